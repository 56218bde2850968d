"""Queues in SQLite: one row per document that waits."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from cse.store import Queued, Queues
from cse.store.sqlite.removal import IS_LEFT

_EXPORT = f"SELECT id, ri, name, document FROM queued WHERE {IS_LEFT} ORDER BY id"  # noqa: S608
_ITEMS = "SELECT id, document FROM queued WHERE ri = ? AND name = ? ORDER BY id LIMIT ?"


class SQLiteQueues(Queues):
    """The table `queued` of one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._executemany = connection.executemany

    def append(self, ri: str, name: str, document: Any) -> None:
        row = (ri, name, orjson.dumps(document))
        self._execute("INSERT INTO queued (ri, name, document) VALUES (?, ?, ?)", row)

    def items(self, ri: str, name: str, limit: int | None = None) -> list[Queued]:
        rows = self._execute(_ITEMS, (ri, name, -1 if limit is None else limit))
        return [Queued(number, orjson.loads(document)) for number, document in rows]

    def count(self, ri: str, name: str) -> int:
        row = self._execute("SELECT count(*) FROM queued WHERE ri = ? AND name = ?", (ri, name)).fetchone()
        return int(row[0])

    def export(self) -> Iterator[tuple[Any, ...]]:
        last = self._execute("SELECT seq FROM sqlite_sequence WHERE name = 'queued'").fetchone()
        yield ("last", last[0] if last else 0)
        for number, ri, name, document in self._execute(_EXPORT):
            yield ("queued", number, ri, name, orjson.loads(document))

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for what, number, *values in rows:
            if what == "last":
                self._execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('queued', ?)", (number,))
                continue
            ri, name, document = values
            row = (number, ri, name, orjson.dumps(document))
            self._execute("INSERT INTO queued (id, ri, name, document) VALUES (?, ?, ?, ?)", row)

    def remove(self, ids: Iterable[int]) -> None:
        self._executemany("DELETE FROM queued WHERE id = ?", [(number,) for number in ids])

    def clear(self, ri: str, name: str) -> None:
        self._execute("DELETE FROM queued WHERE ri = ? AND name = ?", (ri, name))
