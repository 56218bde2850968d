"""The embedded engines: a SQLite file, and the same tables in memory for tests."""

import sqlite3
from contextlib import ExitStack
from pathlib import Path

from cse.config import ConfigurationError
from cse.store import Store, T, Transaction, Unit
from cse.store.schema import connect, prepare
from cse.store.transaction import SQLiteTransaction
from cse.store.worker import Worker


class SQLiteStore(Store):
    """A file, served by a thread that writes and a thread that reads. One server at a time may have it open."""

    _writer: Worker
    _reader: Worker

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held = ExitStack()

    async def open(self) -> None:
        with ExitStack() as held:
            writing, reading = _open_file(self._path, held)
            self._held = held.pop_all()
        self._writer = Worker(SQLiteTransaction(writing), "BEGIN IMMEDIATE")
        self._reader = Worker(SQLiteTransaction(reading), "BEGIN")

    async def run(self, unit: Unit[T]) -> T:
        return await self._writer.run(unit)

    async def read(self, unit: Unit[T]) -> T:
        return await self._reader.run(unit)

    async def close(self) -> None:
        await self._reader.close()
        await self._writer.close()
        self._held.close()


class MemoryStore(Store):
    """Gone when it is closed. Reads queue behind writes, since a database in memory has a single connection."""

    _worker: Worker

    def __init__(self) -> None:
        self._connection = connect(":memory:")
        prepare(self._connection)

    async def open(self) -> None:
        self._worker = Worker(SQLiteTransaction(self._connection), "BEGIN IMMEDIATE")

    async def run(self, unit: Unit[T]) -> T:
        return await self._worker.run(unit)

    async def read(self, unit: Unit[T]) -> T:
        return await self._worker.run(lambda transaction: self._without_writing(unit, transaction))

    async def close(self) -> None:
        await self._worker.close()
        self._connection.close()

    def _without_writing(self, unit: Unit[T], transaction: Transaction) -> T:
        self._connection.execute("PRAGMA query_only = ON")
        try:
            return unit(transaction)
        finally:
            self._connection.execute("PRAGMA query_only = OFF")


def _open_file(path: Path, held: ExitStack) -> tuple[sqlite3.Connection, sqlite3.Connection]:
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
