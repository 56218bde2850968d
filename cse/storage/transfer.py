"""Copies the tables of one store into another one, in portions, as they are at one moment, and compares both."""

import asyncio
import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from cse.config import ConfigurationError
from cse.store import Store, Transaction
from cse.store.filling import MARK
from cse.store.tables import Table

MOST_ROWS, MOST_BYTES = 1000, 4 * 2**20  # of a portion: what is in memory, and in one unit of the target

Exported = tuple[Any, ...]


class Content(NamedTuple):
    """What is in one table: how many rows, and a digest of all of them in their order."""

    table: str
    rows: int
    digest: str


class Interrupted(Exception):
    """Nobody waits for the rest any more."""


class Digest:
    """Grows with each row."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._rows = 0

    def add(self, row: Exported) -> int:
        """Count a row; how many bytes it has. Members of objects have no order."""
        encoded = orjson.dumps(row, _as_text, orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
        self._hash.update(encoded)
        self._rows += not is_last_number(row)
        return len(encoded)

    def content(self, table: str) -> Content:
        """What has been added, as that of a table."""
        return Content(table, self._rows, self._hash.hexdigest())


def _as_text(value: object) -> str:
    """What is no JSON: the answers of devices, for example, are bytes."""
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError


def is_last_number(row: Exported) -> bool:
    """Whether it only says which number was the last to be used."""
    return len(row) == 2 and row[0] == "last"


def exported(table: Table) -> Iterator[Exported]:
    """The rows of a table, without the mark of a store that is being filled."""
    return (row for row in table.export() if row[0] != MARK)


async def contents(store: Store) -> list[Content]:
    """What is in each table, at one moment."""
    return await store.read(_contents)


def _contents(transaction: Transaction) -> list[Content]:
    return [_content(name, table) for name, table in transaction.tables.items()]


def _content(name: str, table: Table) -> Content:
    digest = Digest()
    for row in exported(table):
        digest.add(row)
    return digest.content(name)


class Transfer:
    """Used once. The unit that reads the source waits in its thread while a portion is put into the target."""

    def __init__(self, target: Store) -> None:
        self._target = target
        self._loop = asyncio.get_running_loop()
        self._began = False
        self._over = False

    async def run(self, source: Store) -> list[Content]:
        """Copy all tables; what was in each of the source."""
        try:
            return await source.read(self._copy)
        finally:
            self._over = True

    def _copy(self, transaction: Transaction) -> list[Content]:
        if self._began:
            raise ConfigurationError("the source could not be read to its end: remove the target, and try again")
        return [self._copy_table(name, table) for name, table in transaction.tables.items()]

    def _copy_table(self, name: str, table: Table) -> Content:
        digest = Digest()
        for portion in _portions(table, digest):
            self._put(name, portion)
        return digest.content(name)

    def _put(self, name: str, portion: list[Exported]) -> None:
        if self._over:
            raise Interrupted
        self._began = True
        done = self._target.run(lambda transaction: transaction.tables[name].restore(portion))
        asyncio.run_coroutine_threadsafe(done, self._loop).result()


def _portions(table: Table, digest: Digest) -> Iterator[list[Exported]]:
    portion: list[Exported] = []
    size = 0
    for row in exported(table):
        portion.append(row)
        size += digest.add(row)
        if len(portion) == MOST_ROWS or size >= MOST_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
