"""Alarms in SQLite."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from cse.store import Alarm, Alarms
from cse.store.sqlite.removal import IS_LEFT

_SET = "INSERT OR REPLACE INTO alarm (ri, name, due) VALUES (?, ?, ?)"
_HASTEN = "UPDATE alarm SET due = ? WHERE name = ? AND due > ?"
_CANCEL = "DELETE FROM alarm WHERE ri = ? AND name = ?"
_DUE = "SELECT ri, name, due FROM alarm WHERE due <= ? ORDER BY due LIMIT ?"
_EXPORT = f"SELECT ri, name, due FROM alarm WHERE {IS_LEFT} ORDER BY ri, name"  # noqa: S608
_GET = "SELECT due FROM alarm WHERE ri = ? AND name = ?"


class SQLiteAlarms(Alarms):
    """The table `alarm` of one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def set(self, ri: str, name: str, due: float) -> None:
        self._execute(_SET, (ri, name, due))

    def get(self, ri: str, name: str) -> float | None:
        row = self._execute(_GET, (ri, name)).fetchone()
        return None if row is None else float(row[0])

    def cancel(self, ri: str, name: str) -> None:
        self._execute(_CANCEL, (ri, name))

    def hasten(self, name: str, due: float) -> None:
        self._execute(_HASTEN, (due, name, due))

    def due(self, now: float, limit: int) -> list[Alarm]:
        return [Alarm(*row) for row in self._execute(_DUE, (now, limit))]

    def export(self) -> Iterator[tuple[Any, ...]]:
        yield from self._execute(_EXPORT)

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for row in rows:
            self._execute(_SET, row)

    def next(self) -> float | None:
        found: float | None = self._execute("SELECT min(due) FROM alarm").fetchone()[0]
        return found
