"""What is known of the file: resources, the newest child of a parent, parents with few children of a type.

It can't be stale: whatever changes the file goes through `forget` (units in the writing thread) or `settle` (batches)
before anything else runs on it. It is bounded by the number of entries and by the bytes of the documents.
"""

from collections import OrderedDict
from collections.abc import Collection

from cse.store import Resource
from cse.store.sqlite.changes import Changes

MOST_RESOURCES = 12_000
MOST_BYTES = 24 * 2**20  # of documents as JSON: in memory they take some four times as much
MANY = 1_000  # changes that are forgotten one by one
MOST_SUBTREES = 3  # that are looked for one by one
FEW = 8  # children whose identifiers are remembered

Kind = tuple[str, int | None]  # a parent, and the type of its children or None for all


class Cache:
    """By identifier, the one that was used least goes first."""

    def __init__(self) -> None:
        self._resources: OrderedDict[str, tuple[Resource, int]] = OrderedDict()
        self._by_path: dict[str, str] = {}
        self._bytes = 0
        self._newest: OrderedDict[Kind, str] = OrderedDict()
        self._children: OrderedDict[Kind, tuple[str, ...]] = OrderedDict()

    def get(self, ri: str) -> Resource | None:
        """The resource with this identifier, None if it is not known."""
        entry = self._resources.get(ri)
        if entry is None:
            return None
        self._resources.move_to_end(ri)
        return entry[0]

    def at(self, path: str) -> str | None:
        """The identifier of the resource at this path, None if it is not known."""
        return self._by_path.get(path)

    def newest(self, kind: Kind) -> str | None:
        """The newest child of this kind, None if it is not known."""
        return self._newest.get(kind)

    def children(self, kind: Kind) -> tuple[str, ...] | None:
        """All children of this kind, in the order of their creation; None if they are not known."""
        return self._children.get(kind)

    def keep(self, resource: Resource, size: int, *, seldom: bool = False) -> None:
        """It is in the file like this; its document has so many bytes. What is used seldom goes before all others."""
        ri = resource.ri
        self.drop(ri)
        self._resources[ri] = (resource, size)
        self._by_path[resource.path] = ri
        self._bytes += size
        if seldom:
            self._resources.move_to_end(ri, last=False)
        while len(self._resources) > MOST_RESOURCES or self._bytes > MOST_BYTES:
            self.drop(next(iter(self._resources)))

    def keep_newest(self, kind: Kind, ri: str) -> None:
        """It is the newest child; the one before it is of no more interest than any other."""
        before = self._newest.pop(kind, ri)
        if before != ri:
            self.drop(before)
        self._newest[kind] = ri
        if len(self._newest) > MOST_RESOURCES:
            self._newest.popitem(last=False)

    def keep_children(self, kind: Kind, children: Collection[str]) -> None:
        """These are all."""
        self._children[kind] = tuple(children)
        if len(self._children) > MOST_RESOURCES:
            self._children.popitem(last=False)

    def drop(self, ri: str) -> None:
        """Forget one resource; what is known of its parent's children stays."""
        entry = self._resources.pop(ri, None)
        if entry is not None:
            resource, size = entry
            self._bytes -= size
            if self._by_path.get(resource.path) == ri:
                del self._by_path[resource.path]

    def drop_children(self, parent: str, ty: int) -> None:
        """A child has come or gone."""
        self._children.pop((parent, ty), None)
        self._children.pop((parent, None), None)

    def drop_newest(self, kind: Kind, ri: str) -> None:
        """This one is not there any more."""
        if self._newest.get(kind) == ri:
            del self._newest[kind]

    def forget(self, changes: Changes) -> None:
        """What a unit in another thread has changed."""
        if len(changes.updated) + len(changes.leaves) > MANY or len(changes.subtrees) > MOST_SUBTREES:
            self.clear()
            return
        for ri in changes.updated:
            self.drop(ri)
        for parent, ty, path in changes.leaves:
            self.drop(self._by_path.get(path, ""))
            self._drop_kinds(parent, ty)
        for parent, ty in changes.inserted:
            self._drop_kinds(parent, ty)
        for path in changes.subtrees:
            self._drop_below(path)

    def _drop_kinds(self, parent: str, ty: int) -> None:
        self.drop_children(parent, ty)
        for kind in ((parent, ty), (parent, None)):
            self._newest.pop(kind, None)

    def _drop_below(self, path: str) -> None:
        start = f"{path}/"
        for ri in [ri for at, ri in self._by_path.items() if at == path or at.startswith(start)]:
            self.drop(ri)
        self._newest.clear()
        self._children.clear()

    def clear(self) -> None:
        """Nothing is known."""
        self._resources.clear()
        self._by_path.clear()
        self._newest.clear()
        self._children.clear()
        self._bytes = 0
