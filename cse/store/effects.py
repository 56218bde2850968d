"""Effects in SQLite."""

import sqlite3
from collections.abc import Iterable
from typing import Any

import orjson

from cse.store import Effect, Effects

_PENDING = "SELECT id, kind, document FROM effect WHERE id > ? ORDER BY id LIMIT ?"


class SQLiteEffects(Effects):
    """The table `effect` of one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._executemany = connection.executemany

    def add(self, kind: str, document: dict[str, Any]) -> int:
        row = (kind, orjson.dumps(document))
        return int(self._execute("INSERT INTO effect (kind, document) VALUES (?, ?)", row).lastrowid or 0)

    def pending(self, *, after: int = 0, limit: int = 100) -> list[Effect]:
        rows = self._execute(_PENDING, (after, limit))
        return [Effect(number, kind, orjson.loads(document)) for number, kind, document in rows]

    def remove(self, ids: Iterable[int]) -> None:
        self._executemany("DELETE FROM effect WHERE id = ?", [(number,) for number in ids])
