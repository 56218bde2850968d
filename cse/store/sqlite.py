"""The embedded engines: a SQLite file, and the same tables in memory for tests."""

import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

from cse.config import ConfigurationError
from cse.store import Store, T, Transaction, Unit
from cse.store.schema import connect, prepare
from cse.store.transaction import SQLiteTransaction
from cse.store.worker import Worker


class EmbeddedStore(Store):
    """What the engines in this process have in common: a writer, and things to release in the end."""

    _writer: Worker

    def __init__(self) -> None:
        self._held = AsyncExitStack()

    async def run(self, unit: Unit[T]) -> T:
        return await self._writer.run(unit)

    async def close(self) -> None:
        await self._held.aclose()

    def _start(self, connection: sqlite3.Connection, begin: str, held: AsyncExitStack) -> Worker:
        worker = Worker(SQLiteTransaction(connection), begin)
        held.push_async_callback(worker.close)
        return worker


class SQLiteStore(EmbeddedStore):
    """A file, served by a thread that writes and a thread that reads. One server at a time may have it open."""

    _reader: Worker

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def open(self) -> None:
        async with AsyncExitStack() as held:
            writing, reading = _open_file(self._path, held)
            self._writer = self._start(writing, "BEGIN IMMEDIATE", held)
            self._reader = self._start(reading, "BEGIN", held)
            self._held = held.pop_all()

    async def read(self, unit: Unit[T]) -> T:
        return await self._reader.run(unit)


class MemoryStore(EmbeddedStore):
    """Gone when it is closed. Reads queue behind writes, since a database in memory has a single connection."""

    async def open(self) -> None:
        connection = connect(":memory:")
        self._held.callback(connection.close)
        prepare(connection)
        self._writer = self._start(connection, "BEGIN IMMEDIATE", self._held)

    async def read(self, unit: Unit[T]) -> T:
        return await self._writer.run(lambda transaction: _without_writing(unit, transaction))


def _without_writing(unit: Unit[T], transaction: Transaction) -> T:
    connection = cast(SQLiteTransaction, transaction).connection
    connection.execute("PRAGMA query_only = ON")
    try:
        return unit(transaction)
    finally:
        connection.execute("PRAGMA query_only = OFF")


def _open_file(path: Path, held: AsyncExitStack) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """A writing and a reading connection; whoever closes `held` closes them and gives the file free."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held.callback(_lock(path).close)
        writing, reading = connect(str(path)), connect(str(path))
        held.callback(writing.close)
        held.callback(reading.close)
        prepare(writing)
        reading.execute("PRAGMA query_only = ON")
    except (OSError, sqlite3.Error, ConfigurationError) as error:
        raise ConfigurationError(f"store in [server]: cannot use {path}: {error}") from error
    return writing, reading


def _lock(path: Path) -> sqlite3.Connection:
    """A connection that keeps every other server out until it is closed or its process ends, however it ends.

    The lock is on a file of its own, because an exclusive lock on the store would keep our own reader out too.
    """
    connection = sqlite3.connect(f"{path}.lock", timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise ConfigurationError("another server has it open; stop that one or choose another file") from error
    return connection
