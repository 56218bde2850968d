"""The tree in SQLite: one row per resource, its attributes as a JSON document."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import orjson

from cse.errors import Conflict, NotFound
from cse.store import Resource, Resources, Search
from cse.store.sqlite.changes import Changes
from cse.store.sqlite.removal import IS_GONE, Below, remove
from cse.store.sqlite.search import SELECT, children, find, governed

# Numbers rise as long as there is something to purge, which is told by them from what is new.
_INSERT = (
    "INSERT INTO resource (seq, ri, pi, ty, path, key, et, creator, document) VALUES (1 + max("
    "ifnull((SELECT max(seq) FROM resource), 0), ifnull((SELECT max(last) FROM gone), 0)), ?, ?, ?, ?, ?, ?, ?, ?)"
)
_MAKE_WAY = f"DELETE FROM resource WHERE (ri = ? OR path = ? OR (pi = ? AND key = ?)) AND {IS_GONE}"  # noqa: S608
_UPDATE = f"UPDATE resource SET et = ?, document = ? WHERE ri = ? AND NOT {IS_GONE}"  # noqa: S608

_EXPIRED = f"SELECT {IS_GONE}, ri, path, creator, document FROM resource WHERE et <= ? ORDER BY et, seq LIMIT ?"  # noqa: S608
MOST_PASSED_OVER = 1000  # rows of the index by expirationTime that are gone

# Lists of texts that resources are found by have tables of their own. The statements take (text, ri), and ri.
_NUMBER = "(SELECT seq FROM resource WHERE ri = ?)"
INDEXED = {
    "lbl": f"INSERT OR IGNORE INTO label (label, seq) VALUES (?, {_NUMBER})",  # noqa: S608
    "acpi": f"INSERT OR IGNORE INTO policy (address, seq) VALUES (?, {_NUMBER})",  # noqa: S608
}
_FORGET = [f"DELETE FROM {table} WHERE seq = {_NUMBER}" for table in ("label", "policy")]  # noqa: S608


class SQLiteResources(Resources):
    """The tables `resource`, `label` and `policy` of one connection. `to_purge`: a unit has left rows to be purged."""

    def __init__(self, connection: sqlite3.Connection, changes: Changes) -> None:
        self.to_purge = True
        self._changes = changes
        self._connection = connection
        self._execute = connection.execute
        self._executemany = connection.executemany
        self._iterating: set[sqlite3.Cursor] = set()

    def get(self, ri: str) -> Resource | None:
        row = self._execute(f"{SELECT} WHERE ri = ?", (ri,)).fetchone()
        return row and _resource(row)

    def find(self, path: str) -> Resource | None:
        row = self._execute(f"{SELECT} WHERE path = ?", (path,)).fetchone()
        return row and _resource(row)

    def insert(self, resource: Resource) -> None:
        attributes, path = resource.attributes, resource.path
        ri, pi, key, et = attributes["ri"], attributes["pi"], attributes.get("_key"), attributes.get("et")
        row = (ri, pi, attributes["ty"], path, key, et, resource.creator, orjson.dumps(attributes))
        try:
            self._execute(_INSERT, row)
        except sqlite3.IntegrityError as error:
            if not self._execute(_MAKE_WAY, (ri, path, pi, key)).rowcount:
                sentence = f"there is a resource {ri}, {path} or with this key already: choose another name"
                raise Conflict(sentence) from error
            self.insert(resource)
        else:
            self._index(attributes)
            self._changes.inserted.append((pi, attributes["ty"]))

    def update(self, resource: Resource) -> None:
        attributes = resource.attributes
        row = (attributes.get("et"), orjson.dumps(attributes), attributes["ri"])
        if not self._execute(_UPDATE, row).rowcount:
            raise NotFound(f"there is no resource {attributes['ri']} any more")
        for statement in _FORGET:
            self._execute(statement, (attributes["ri"],))
        self._index(attributes)
        self._changes.updated.append(attributes["ri"])

    def remove(self, resource: Resource) -> None:
        below = remove(self._connection, resource.path)
        self.to_purge |= below is Below.LEFT
        if below is Below.NONE:
            self._changes.leaves.append((resource.pi, resource.ty, resource.path))
        else:
            self._changes.subtrees.append(resource.path)

    def has_child(self, ri: str, key: str) -> bool:
        found = self._execute("SELECT 1 FROM present WHERE pi = ? AND key = ?", (ri, key)).fetchone()
        return found is not None

    def children(self, ri: str, ty: int | None = None, *, newest_first: bool = False) -> Iterator[Resource]:
        return self._iterate(children(self._connection, ri, ty, newest_first=newest_first))

    def search(self, search: Search) -> Iterator[Resource]:
        return self._iterate(find(self._connection, search))

    def governed_by(self, policies: Sequence[str]) -> Iterator[Resource]:
        return self._iterate(governed(self._connection, policies))

    def expired(self, now: str, limit: int) -> list[Resource]:
        with closing(self._execute(_EXPIRED, (now, limit + MOST_PASSED_OVER))) as rows:
            return [_resource(row) for row in islice((row for is_gone, *row in rows if not is_gone), limit)]

    def next_expiration(self) -> str | None:
        found: str | None = self._execute("SELECT min(et) FROM resource").fetchone()[0]
        return found

    def export(self) -> Iterator[tuple[Any, ...]]:
        for _, path, creator, document in self._execute(f"{SELECT} ORDER BY seq"):
            yield path, creator, orjson.loads(document)

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for path, creator, attributes in rows:
            self.insert(Resource(path, creator, attributes))

    def finish(self) -> None:
        """End the iterations that are still under way: an open one would hold the connection at its old snapshot."""
        while self._iterating:
            self._iterating.pop().close()

    def _index(self, attributes: dict[str, Any]) -> None:
        for name, statement in INDEXED.items():
            if values := attributes.get(name):
                self._executemany(statement, ((value, attributes["ri"]) for value in values))

    def _iterate(self, cursor: sqlite3.Cursor) -> Iterator[Resource]:
        self._iterating.add(cursor)
        try:
            for row in cursor:
                yield _resource(row)
        finally:
            self._iterating.discard(cursor)
            cursor.close()


def _resource(row: Sequence[Any]) -> Resource:
    _, path, creator, document = row
    return Resource(path, creator, orjson.loads(document))
