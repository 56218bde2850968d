"""A store that hands out resources as those do that share them: a value in them that is changed in place raises.

A unit that writes has attributes of its own, whose values are shared; in what is only read or looked at, nothing is the
unit's own.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NoReturn, TypeVar

from cse.store import Resource, Resources, Search, Store, Transaction, Unit

T = TypeVar("T")


def _refuse(self: object, *arguments: object, **named: object) -> NoReturn:
    raise AssertionError(f"a value that others see was to be changed in place: {self!r:.200}")


class FrozenDict(dict[str, Any]):
    __setitem__ = __delitem__ = __ior__ = pop = popitem = clear = update = setdefault = _refuse  # type: ignore[assignment]


class FrozenList(list[Any]):
    __setitem__ = __delitem__ = __iadd__ = __imul__ = append = extend = insert = _refuse  # type: ignore[assignment]
    remove = pop = clear = sort = reverse = _refuse  # type: ignore[assignment]


def frozen(value: Any) -> Any:
    """The same value, which nobody can change."""
    if isinstance(value, dict):
        return FrozenDict((name, frozen(item)) for name, item in value.items())
    if isinstance(value, list):
        return FrozenList(map(frozen, value))
    return value


class FrozenResources(Resources):
    """`inner` keeps them. What a unit puts in is frozen, too: from then on it is shared."""

    def __init__(self, inner: Resources, *, reads_only: bool = False) -> None:
        self._inner = inner
        self._reads_only = reads_only

    def get(self, ri: str) -> Resource | None:
        return self._handed_out(self._inner.get(ri))

    def find(self, path: str) -> Resource | None:
        return self._handed_out(self._inner.find(path))

    def look(self, ri: str) -> Resource | None:
        return _shared(self._inner.look(ri))

    def look_at(self, path: str) -> Resource | None:
        return _shared(self._inner.look_at(path))

    def insert(self, resource: Resource) -> None:
        resource.attributes = dict(frozen(resource.attributes))
        self._inner.insert(resource)

    def update(self, resource: Resource) -> None:
        resource.attributes = dict(frozen(resource.attributes))
        self._inner.update(resource)

    def remove(self, resource: Resource) -> None:
        self._inner.remove(resource)

    def has_child(self, ri: str, key: str) -> bool:
        return self._inner.has_child(ri, key)

    def children(self, ri: str, ty: int | None = None, *, newest_first: bool = False) -> Iterator[Resource]:
        return self._all(self._inner.children(ri, ty, newest_first=newest_first))

    def search(self, search: Search) -> Iterator[Resource]:
        return self._all(self._inner.search(search))

    def governed_by(self, policies: Sequence[str]) -> Iterator[Resource]:
        return self._all(self._inner.governed_by(policies))

    def expired(self, now: str, limit: int) -> list[Resource]:
        return list(self._all(self._inner.expired(now, limit)))

    def next_expiration(self) -> str | None:
        return self._inner.next_expiration()

    def export(self) -> Iterator[tuple[Any, ...]]:
        return self._inner.export()

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._inner.restore(rows)

    def _all(self, found: Iterable[Resource]) -> Iterator[Resource]:
        yield from filter(None, map(self._handed_out, found))

    def _handed_out(self, resource: Resource | None) -> Resource | None:
        if self._reads_only or resource is None:
            return _shared(resource)
        return Resource(resource.path, resource.creator, dict(frozen(resource.attributes)))


def _shared(resource: Resource | None) -> Resource | None:
    return resource and Resource(resource.path, resource.creator, frozen(resource.attributes), resource.memo)


class FrozenTransaction(Transaction):
    """Another transaction with frozen resources."""

    def __init__(self, inner: Transaction, *, reads_only: bool) -> None:
        self._inner = inner
        self.resources = FrozenResources(inner.resources, reads_only=reads_only)
        self.lists, self.campaigns, self.effects = inner.lists, inner.campaigns, inner.effects
        self.alarms, self.queues = inner.alarms, inner.queues

    def savepoint(self) -> AbstractContextManager[None]:
        return self._inner.savepoint()


def freeze(store: Store) -> None:
    """From now on units of work in this store get frozen resources."""
    store.run = _freezing(store.run, reads_only=False)  # type: ignore[method-assign]
    store.read = _freezing(store.read, reads_only=True)  # type: ignore[method-assign]


def _freezing(carry_out: Callable[[Unit[T]], Any], *, reads_only: bool) -> Callable[[Unit[T]], Any]:
    async def with_frozen_resources(unit: Unit[T]) -> Any:
        return await carry_out(lambda transaction: unit(FrozenTransaction(transaction, reads_only=reads_only)))

    return with_frozen_resources
