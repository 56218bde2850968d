"""Effects in SQLite."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import orjson

from cse.store import Effect, Effects
from cse.store.sqlite.changes import Changes
from cse.store.sqlite.parameters import as_list, listed

_FIELDS = "id, kind, document, lane"
_PENDING = f"SELECT {_FIELDS} FROM effect WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
_IN_LANES = f"SELECT id FROM effect WHERE lane IN ({listed('?')}) ORDER BY id"  # noqa: S608
_PRESENT = "SELECT id FROM effect WHERE id IN (SELECT value FROM json_each(?))"

# There is one process and its claims end with it, so they are in a table that is nowhere but in its connection, and
# that is rolled back with its units.
CLAIMS = "CREATE TEMP TABLE claimed (id INTEGER PRIMARY KEY)"
_UNCLAIMED = f"SELECT {_FIELDS} FROM effect WHERE id NOT IN (SELECT id FROM temp.claimed)"  # noqa: S608
_OF_KINDS = " AND kind IN (SELECT value FROM json_each(?))"


class SQLiteEffects(Effects):
    """The table `effect` of one connection."""

    def __init__(self, connection: sqlite3.Connection, changes: Changes) -> None:
        self._changes = changes
        self._execute = connection.execute
        self._executemany = connection.executemany

    def add(self, kind: str, document: dict[str, Any], *, lane: str = "") -> int:
        row = (kind, orjson.dumps(document), lane)
        self._changes.added = True
        return int(self._execute("INSERT INTO effect (kind, document, lane) VALUES (?, ?, ?)", row).lastrowid or 0)

    def claim(self, limit: int, *, kinds: Collection[str] = ()) -> list[Effect]:
        condition, values = (_OF_KINDS, (_json(kinds),)) if kinds else ("", ())
        found = self._execute(f"{_UNCLAIMED}{condition} ORDER BY id LIMIT ?", (*values, limit))
        effects = [_effect(row) for row in found]
        self._executemany("INSERT INTO temp.claimed VALUES (?)", [(effect.id,) for effect in effects])
        self._changes.not_unclaimed.extend(effect.id for effect in effects)
        self._changes.all_claimed = not kinds and len(effects) < limit
        return effects

    def pending(self, *, after: int = 0, limit: int = 100) -> list[Effect]:
        return [_effect(row) for row in self._execute(_PENDING, (after, limit))]

    def in_lanes(self, lanes: Collection[str]) -> list[int]:
        return [number for (number,) in self._execute(_IN_LANES, (as_list(lanes),))]

    def present(self, ids: Collection[int]) -> list[int]:
        return [number for (number,) in self._execute(_PRESENT, (_json(ids),))]

    def remove(self, ids: Iterable[int]) -> None:
        numbers = [(number,) for number in ids]
        self._changes.not_unclaimed.extend(number for (number,) in numbers)
        self._executemany("DELETE FROM effect WHERE id = ?", numbers)
        self._executemany("DELETE FROM temp.claimed WHERE id = ?", numbers)

    def export(self) -> Iterator[tuple[Any, ...]]:
        last = self._execute("SELECT seq FROM sqlite_sequence WHERE name = 'effect'").fetchone()
        yield ("last", last[0] if last else 0)
        for number, kind, document, lane in self._execute(f"SELECT {_FIELDS} FROM effect ORDER BY id"):  # noqa: S608
            yield ("effect", number, kind, orjson.loads(document), lane)

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._changes.added = True
        for what, number, *values in rows:
            if what == "last":
                self._execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('effect', ?)", (number,))
                continue
            kind, document, lane = values
            row = (number, kind, orjson.dumps(document), lane)
            self._execute(f"INSERT INTO effect ({_FIELDS}) VALUES (?, ?, ?, ?)", row)  # noqa: S608


def _effect(row: tuple[int, str, bytes, str]) -> Effect:
    number, kind, document, lane = row
    return Effect(number, kind, orjson.loads(document), lane)


def _json(values: Collection[Any]) -> str:
    return orjson.dumps(list(values)).decode()
