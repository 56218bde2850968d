"""Long lists in SQLite: one row per item."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from cse.store import Lists
from cse.store.sqlite.parameters import as_list, listed
from cse.store.sqlite.removal import IS_LEFT

_INSERT = (
    "INSERT INTO list_item (ri, position, item, target, path)"
    " VALUES (?1, ?2, ?3, ?4, (SELECT path FROM resource WHERE ri = ?4))"
)
_EXPORT = f"SELECT ri, position, item, target FROM list_item WHERE {IS_LEFT} ORDER BY ri, position"  # noqa: S608
_ITEMS = "SELECT position, item, target FROM list_item WHERE ri = ? AND position > ? ORDER BY position LIMIT ?"
_DROP_TARGETS = "DELETE FROM list_item WHERE path = ? OR (path >= ? AND path < ?) RETURNING ri"

_WITH_TARGET = "SELECT DISTINCT ri FROM list_item WHERE target = ?"
_WITHOUT_TARGET = "SELECT DISTINCT ri FROM list_item INDEXED BY list_item_elsewhere WHERE target IS NULL"
_DROP_ITEMS = f"DELETE FROM list_item WHERE target IS NULL AND item IN ({listed('?')}) RETURNING ri"  # noqa: S608


class SQLiteLists(Lists):
    """The table `list_item` of one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._executemany = connection.executemany

    def replace(self, ri: str, items: Iterable[tuple[str, str | None]]) -> None:
        rows = [(ri, position, item, target) for position, (item, target) in enumerate(items)]
        self._execute("DELETE FROM list_item WHERE ri = ?", (ri,))
        self._executemany(_INSERT, rows)

    def items(self, ri: str, *, after: int = -1, limit: int | None = None) -> list[tuple[int, str, str | None]]:
        return self._execute(_ITEMS, (ri, after, -1 if limit is None else limit)).fetchall()

    def count(self, ri: str) -> int:
        return int(self._execute("SELECT count(*) FROM list_item WHERE ri = ?", (ri,)).fetchone()[0])

    def drop_targets(self, path: str) -> list[str]:
        rows = self._execute(_DROP_TARGETS, (path, f"{path}/", f"{path}0")).fetchall()
        return sorted({ri for (ri,) in rows})

    def drop_items(self, items: Collection[str]) -> list[str]:
        rows = self._execute(_DROP_ITEMS, (as_list(items),)).fetchall()
        return sorted({ri for (ri,) in rows})

    def export(self) -> Iterator[tuple[Any, ...]]:
        yield from self._execute(_EXPORT)

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._executemany(_INSERT, rows)

    def holders(self, target: str | None) -> list[str]:
        found = self._execute(_WITHOUT_TARGET) if target is None else self._execute(_WITH_TARGET, (target,))
        return [ri for (ri,) in found]
