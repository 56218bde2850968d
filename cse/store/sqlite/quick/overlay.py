"""What units have done that is not in the file, above what is known of the file; everything can be undone."""

from collections.abc import MutableMapping
from typing import Any, NamedTuple, TypeVar

from cse.store import Resource, Search
from cse.store.sqlite.quick.batch import Batch, Change
from cse.store.sqlite.quick.cache import Cache
from cse.store.sqlite.resources import INDEXED

Key = TypeVar("Key")
Value = TypeVar("Value")

_ABSENT: Any = object()


class Child(NamedTuple):
    """A child that is not in the file: in which batch it is, and its place in the order of creation."""

    batch: int
    place: int


class Overlay:
    """`collecting` is the batch in which the changes of units go now. `seen` is the newest batch that a unit has seen.

    `resources`, `paths` and `alarms` have the number of the batch beside the state, which is None for what is gone.
    `without_alarms` has the resources whose alarms in the file do not count any more. `writes_rows` says whether
    members of campaigns are being written.
    """

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.collecting = Batch(1)
        self.resources: dict[str, tuple[int, Resource | None]] = {}
        self.paths: dict[str, tuple[int, str | None]] = {}
        self.alarms: dict[tuple[str, str], tuple[int, float | None]] = {}
        self.without_alarms: dict[str, int] = {}
        self.writes_rows = False
        self.seen = 0
        self._children: dict[str, dict[int, dict[str, Child]]] = {}  # by parent and type
        self._keys: dict[tuple[str, str], tuple[int, str]] = {}
        self._undo: list[tuple[MutableMapping[Any, Any], Any, Any]] = []

    # what there is

    def state(self, ri: str) -> tuple[bool, Resource | None]:
        """Whether the resource is known, and it itself: None if it is known to be gone."""
        entry = self.resources.get(ri)
        if entry is None:
            known = self.cache.get(ri)
            return known is not None, known
        if entry[0] > self.seen:
            self.seen = entry[0]
        return True, entry[1]

    def added(self, parent: str, ty: int | None) -> list[str]:
        """The children of a type, or all, that are not in the file, in the order of their creation."""
        types = self._children.get(parent)
        if not types:
            return []
        groups = list(types.values()) if ty is None else [types.get(ty, {})]
        found = sorted((each.place, ri, each.batch) for group in groups for ri, each in group.items())
        self.seen = max(self.seen, *(batch for _, _, batch in found), 0)
        return [ri for _, ri, _ in found]

    def keyed(self, parent: str, key: str) -> bool:
        """Whether a child that is not in the file has this `_key`."""
        batch, ri = self._keys.get((parent, key), (0, None))
        self.seen = max(self.seen, batch)
        return ri is not None

    def concerns(self, search: Search) -> bool:
        """Whether something is to be found that is not in the file as it is."""
        return any(state is not None and search.fits(state) for _, state in self.resources.values())

    # changes

    def insert(self, resource: Resource, place: int) -> None:
        """It is new."""
        ri, parent, number = resource.ri, resource.pi, self.collecting.number
        self.put(self.collecting.inserted, ri, (place, resource))
        self.put(self.resources, ri, (number, resource))
        self.put(self.paths, resource.path, (number, ri))
        types = self._children.setdefault(parent, {})
        self.put(types.setdefault(resource.ty, {}), ri, Child(number, place))
        if "_key" in resource.attributes:
            self.put(self._keys, (parent, resource.attributes["_key"]), (number, ri))

    def change(self, resource: Resource, before: Resource) -> None:
        """It has other attributes than before."""
        ri, batch = resource.ri, self.collecting
        if ri in batch.inserted:
            self.put(batch.inserted, ri, (batch.inserted[ri][0], resource))
        else:
            self.put(batch.changed, ri, _change(resource, before.attributes, batch.changed.get(ri)))
        self.put(self.resources, ri, (batch.number, resource))

    def remove(self, resource: Resource) -> None:
        """It has gone; it had no children."""
        ri, batch = resource.ri, self.collecting
        if self.take(batch.inserted, ri) is None:
            self.put(batch.removed, ri, resource)
        self.take(batch.changed, ri)
        self.put(self.resources, ri, (batch.number, None))
        self.put(self.paths, resource.path, (batch.number, None))
        self.take(self._children.get(resource.pi, {}).get(resource.ty, {}), ri)
        self.take(self._keys, (resource.pi, resource.attributes.get("_key", "")))
        self.put(self.without_alarms, ri, batch.number)
        for key in [key for key in self.alarms if key[0] == ri]:
            self.take(self.alarms, key)
            self.take(batch.alarms, key)

    def alarm(self, key: tuple[str, str], due: float | None) -> None:
        """An alarm is set, or cancelled."""
        self.put(self.collecting.alarms, key, due)
        self.put(self.alarms, key, (self.collecting.number, due))

    def put(self, mapping: MutableMapping[Key, Value], key: Key, value: Value) -> None:
        """Set an entry of what belongs to the overlay or its batch, so that it can be undone."""
        self._undo.append((mapping, key, mapping.get(key, _ABSENT)))
        mapping[key] = value

    def take(self, mapping: MutableMapping[Key, Value], key: Key) -> Value | None:
        """Take an entry out in the same way; None if there is none."""
        if key not in mapping:
            return None
        value = mapping.pop(key)
        self._undo.append((mapping, key, value))
        return value

    # units and parts of them

    @property
    def mark(self) -> int:
        """How much has been done in this unit."""
        return len(self._undo)

    def undo(self, mark: int = 0) -> None:
        """Everything since then."""
        while len(self._undo) > mark:
            mapping, key, value = self._undo.pop()
            if value is _ABSENT:
                del mapping[key]
            else:
                mapping[key] = value

    def accept(self) -> None:
        """The unit is over: nothing of it will be undone."""
        self._undo.clear()

    # batches

    @property
    def has_collected(self) -> bool:
        """Whether there is something to write."""
        return not self.collecting.is_empty

    def next_batch(self) -> Batch:
        """What has been collected; another batch begins."""
        batch, self.collecting = self.collecting, Batch(self.collecting.number + 1)
        self.writes_rows = bool(batch.rows)
        return batch

    def settle(self, batch: Batch) -> None:
        """The file has it."""
        number, cache = batch.number, self.cache
        self.writes_rows = False
        for ri, resource in batch.removed.items():
            cache.drop(ri)
            cache.drop_children(resource.pi, resource.ty)
            cache.drop_newest((resource.pi, resource.ty), ri)
            self._settled(number, ri, resource.path)
        for ri, (_, resource) in batch.inserted.items():
            cache.drop_children(resource.pi, resource.ty)
            cache.keep_newest((resource.pi, resource.ty), ri)
            self._settled(number, ri, resource.path)
            self._no_longer_added(number, resource)
        for ri, change in batch.changed.items():
            cache.keep(change.resource, batch.size)
            self._settled(number, ri)
        for key in [key for key, (of, _) in self.alarms.items() if of == number]:
            del self.alarms[key]
        for ri in [ri for ri, of in self.without_alarms.items() if of == number]:
            del self.without_alarms[ri]

    def clear(self) -> None:
        """Forget everything, and what is known of the file too."""
        self.cache.clear()
        for mapping in (self.resources, self.paths, self.alarms, self.without_alarms, self._children, self._keys):
            mapping.clear()

    def _settled(self, number: int, ri: str, path: str = "") -> None:
        entry = self.resources.get(ri)
        if entry is not None and entry[0] == number:
            del self.resources[ri]
        at = self.paths.get(path)
        if at is not None and at[0] == number:
            del self.paths[path]

    def _no_longer_added(self, number: int, resource: Resource) -> None:
        parent, ri, key = resource.pi, resource.ri, (resource.pi, resource.attributes.get("_key", ""))
        types = self._children.get(parent, {})
        children = types.get(resource.ty, {})
        if ri in children and children[ri].batch == number:
            del children[ri]
        if not children:
            types.pop(resource.ty, None)
        if not types:
            self._children.pop(parent, None)
        if self._keys.get(key) == (number, ri):
            del self._keys[key]


def _change(resource: Resource, before: dict[str, Any], earlier: Change | None) -> Change:
    now = resource.attributes
    return Change(
        resource,
        now.get("et") != before.get("et") or (earlier is not None and earlier.ends_otherwise),
        any(now.get(name) != before.get(name) for name in INDEXED)
        or (earlier is not None and earlier.is_found_otherwise),
    )
