"""Effects in SQLite."""

import sqlite3
from collections.abc import Iterable
from typing import Any

import orjson

from cse.store import Effect, Effects

_DUE = "SELECT id, kind, due, document FROM effect WHERE id > ? AND due <= ? ORDER BY id LIMIT ?"


class SQLiteEffects(Effects):
    """The table `effect` of one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._executemany = connection.executemany

    def add(self, kind: str, document: dict[str, Any], due: float = 0.0) -> None:
        values = (kind, due, orjson.dumps(document))
        self._execute("INSERT INTO effect (kind, due, document) VALUES (?, ?, ?)", values)

    def due(self, now: float, *, after: int = 0, limit: int = 100) -> list[Effect]:
        rows = self._execute(_DUE, (after, now, limit))
        return [Effect(number, kind, due, orjson.loads(document)) for number, kind, due, document in rows]

    def remove(self, ids: Iterable[int]) -> None:
        self._executemany("DELETE FROM effect WHERE id = ?", [(number,) for number in ids])
