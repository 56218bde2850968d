"""The tree as units on the event loop see it."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NoReturn

import orjson

from cse.errors import Conflict, NotFound
from cse.store import Resource, Resources, Search
from cse.store.sqlite.quick import OrdinaryWay, require_plain
from cse.store.sqlite.quick.cache import FEW
from cse.store.sqlite.quick.overlay import Overlay
from cse.store.sqlite.resources import INDEXED
from cse.store.sqlite.search import SELECT, find, governed

MOST_STEPS = 2_000  # resources, statements and rows in one unit: some ten milliseconds
INSTRUCTIONS = 5_000  # of the machine of SQLite between two looks whether it has gone on for too long
MOST_LOOKS = 20  # in one unit: some ten milliseconds

_CHILDREN = f"{SELECT} WHERE pi = ? ORDER BY seq"
_CHILDREN_OF_TYPE = f"{SELECT} WHERE pi = ? AND ty = ? ORDER BY seq"
_HAS_CHILDREN = "SELECT 1 FROM resource WHERE pi = ? LIMIT 1"
_CHILD = "SELECT ri FROM present WHERE pi = ? AND key = ?"
_NEXT = "SELECT min(et) FROM resource"
_LAST = "SELECT max(ifnull((SELECT max(seq) FROM resource), 0), ifnull((SELECT max(last) FROM gone), 0))"


class QuickResources(Resources):
    """Above an overlay and a connection that reads.

    A unit may write, or not; and the file may not be looked into while another thread changes it.
    """

    def __init__(self, overlay: Overlay, connection: sqlite3.Connection) -> None:
        self._writes = False
        self._may_look = True
        self._overlay = overlay
        connection.set_progress_handler(self._goes_on, INSTRUCTIONS)
        self._connection = connection
        self._steps = self._looks = 0
        self._open: set[sqlite3.Cursor] = set()
        self._last: int | None = None

    def begin(self, *, writes: bool, may_look: bool) -> None:
        """Another unit."""
        self._writes = writes
        self._may_look = may_look
        self._steps = self._looks = 0

    @property
    def has_been_stopped(self) -> bool:
        """Whether a statement of this unit went on for too long; it has raised sqlite3.OperationalError there."""
        return self._looks > MOST_LOOKS

    def finish(self) -> None:
        """The unit is over: a statement that is not would hold the connection at its old snapshot."""
        while self._open:
            self._open.pop().close()

    def forget_last(self) -> None:
        """Another thread may have added resources."""
        self._last = None

    def look(self, ri: str) -> Resource | None:
        self._count()
        known, resource = self._overlay.state(ri)
        return resource if known else self._load("ri", ri)

    def look_at(self, path: str) -> Resource | None:
        entry = self._overlay.paths.get(path)
        ri = self._overlay.cache.at(path) if entry is None else entry[1]
        if ri is not None:
            return self.look(ri)
        if entry is None:
            return self._load("path", path)
        self._overlay.seen = max(self._overlay.seen, entry[0])
        return None

    def get(self, ri: str) -> Resource | None:
        return self._handed(self.look(ri))

    def find(self, path: str) -> Resource | None:
        return self._handed(self.look_at(path))

    def insert(self, resource: Resource) -> None:
        if self._overlay.state(resource.ri)[1] or self._overlay.paths.get(resource.path, (0, None))[1]:
            raise Conflict(f"there is a resource {resource.ri} or {resource.path} already: choose another name")
        require_plain(resource.ri, resource.path, resource.creator, resource.attributes.get("_key", ""))
        _require_plain_lists(resource)
        if self._last is None:
            self._last = int(self.first(_LAST, ())[0])
        self._last += 1
        self._overlay.insert(_copy(resource), self._last)

    def update(self, resource: Resource) -> None:
        before = self.look(resource.ri)
        if before is None:
            raise NotFound(f"there is no resource {resource.ri} any more")
        _require_plain_lists(resource)
        self._overlay.change(_copy(resource), before)

    def remove(self, resource: Resource) -> None:
        if self._overlay.added(resource.ri, None) or self.first(_HAS_CHILDREN, (resource.ri,)):
            raise OrdinaryWay
        before = self.look(resource.ri)
        if before is not None:
            self._overlay.remove(before)

    def has_child(self, ri: str, key: str) -> bool:
        found = self.first(_CHILD, (ri, key))
        here = found and self._overlay.state(found[0])
        return (found is not None and here != (True, None)) or self._overlay.keyed(ri, key)

    def children(self, ri: str, ty: int | None = None, *, newest_first: bool = False) -> Iterator[Resource]:
        added = self._overlay.added(ri, ty)
        known = self._overlay.cache.children((ri, ty))
        if known is None:
            return self._looked_for(ri, ty, added, newest_first=newest_first)
        identifiers = [*known, *(each for each in added if each not in known)]
        if newest_first:
            identifiers.reverse()
        return self._present(identifiers) if identifiers else iter(())

    def search(self, search: Search) -> Iterator[Resource]:
        if self._overlay.concerns(search):
            raise OrdinaryWay
        found = self._found(lambda: find(self._connection, search))
        return filter(search.fits, found) if self._overlay.resources else found

    def governed_by(self, policies: Sequence[str]) -> Iterator[Resource]:
        if self._overlay.resources:
            raise OrdinaryWay
        return self._found(lambda: governed(self._connection, policies))

    def expired(self, now: str, limit: int) -> list[Resource]:
        """What has expired is removed elsewhere, if anything has."""
        first = self.next_expiration()
        if first is not None and first <= now:
            raise OrdinaryWay
        return []

    def next_expiration(self) -> str | None:
        if self._overlay.resources:
            raise OrdinaryWay
        found: str | None = self.first(_NEXT, ())[0]
        return found

    def export(self) -> Iterator[tuple[Any, ...]]:
        raise OrdinaryWay

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> NoReturn:
        raise OrdinaryWay

    def _looked_for(self, ri: str, ty: int | None, added: list[str], *, newest_first: bool) -> Iterator[Resource]:
        """Those in the file, some of which may have been added just now, and those that are not there yet."""
        stored = self._newest_stored(ri, ty) if newest_first else self._stored(ri, ty)
        others = self._present(each for each in stored if each not in added)
        return chain(self._present(reversed(added)), others) if newest_first else chain(others, self._present(added))

    def _stored(self, ri: str, ty: int | None) -> Iterator[str]:
        """Identifiers of children in the file, those that units have removed since included."""
        found: list[str] = []
        for each in self._rows(ri, ty):
            if len(found) <= FEW:
                found.append(each)
            yield each
        if len(found) <= FEW:
            self._overlay.cache.keep_children((ri, ty), found)

    def _newest_stored(self, ri: str, ty: int | None) -> Iterator[str]:
        newest = self._overlay.cache.newest((ri, ty))
        if newest is not None:
            yield newest
        for index, each in enumerate(self._rows(ri, ty, " DESC")):
            if index == 0:
                self._overlay.cache.keep_newest((ri, ty), each)
            if each != newest:
                yield each

    def _rows(self, ri: str, ty: int | None, direction: str = "") -> Iterator[str]:
        statement, values = (_CHILDREN, (ri,)) if ty is None else (_CHILDREN_OF_TYPE, (ri, ty))
        for row in self._iterate(lambda: self._connection.execute(statement + direction, values)):
            yield self._known(row).ri

    def _found(self, look: Callable[[], sqlite3.Cursor]) -> Iterator[Resource]:
        for ri, path, creator, document in self._iterate(look):
            known, resource = self._overlay.state(ri)
            if not known:
                resource = self._known((ri, path, creator, document), seldom=True)
            if resource is not None:
                yield _copy(resource) if self._writes else resource

    def _present(self, identifiers: Iterable[str]) -> Iterator[Resource]:
        for ri in identifiers:
            resource = self.get(ri)
            if resource is not None:
                yield resource

    def _load(self, column: str, value: str) -> Resource | None:
        row = self.first(f"{SELECT} WHERE {column} = ?", (value,))
        return row and self._known(row)

    def _known(self, row: tuple[str, str, str, bytes], *, seldom: bool = False) -> Resource:
        """What the file has, or as batches have changed it since."""
        ri, path, creator, document = row
        resource = self._overlay.cache.get(ri)
        if resource is None:
            resource = Resource(path, creator, orjson.loads(document))
            if ri not in self._overlay.resources:
                self._overlay.cache.keep(resource, len(document), seldom=seldom)
        return resource

    def _handed(self, resource: Resource | None) -> Resource | None:
        """A unit that writes gets attributes of its own."""
        return _copy(resource) if resource is not None and self._writes else resource

    def first(self, statement: str, values: tuple[Any, ...]) -> Any:
        """The first row that a statement finds in the file, if that may be looked into now; None if there is none."""
        return next(self._iterate(lambda: self._connection.execute(statement, values)), None)

    def require_look(self) -> None:
        """Go on only if the file may be looked into now."""
        if not self._may_look:
            raise OrdinaryWay

    def _iterate(self, look: Callable[[], sqlite3.Cursor]) -> Iterator[Any]:
        """Rows, as long as they are few and easily found."""
        self.require_look()
        self._count()
        rows = look()
        self._open.add(rows)
        for row in rows:
            self._count()
            yield row
        self._close(rows)

    def _goes_on(self) -> bool:
        """SQLite asks, and stops a statement for which the answer is true."""
        self._looks += 1
        return self.has_been_stopped

    def _close(self, rows: sqlite3.Cursor) -> None:
        self._open.discard(rows)
        rows.close()

    def _count(self) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise OrdinaryWay


def _require_plain_lists(resource: Resource) -> None:
    for name in INDEXED:
        require_plain(*resource.attributes.get(name, ()))


def _copy(resource: Resource) -> Resource:
    return Resource(resource.path, resource.creator, resource.attributes.copy())
