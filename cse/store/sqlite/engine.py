"""The engines: a SQLite file, and the same tables in memory for tests."""

import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

from tinydb.storages import Storage

from cse.config import ConfigurationError
from cse.store import Store, T, Transaction, Unit
from cse.store.company import Alone
from cse.store.documents import Folder
from cse.store.sqlite.schema import connect, prepare
from cse.store.sqlite.transaction import SQLiteConnection, SQLiteTransaction
from cse.store.worker import Worker


class EmbeddedStore(Store):
    """What the engines in this process have in common: a writer, and things to release in the end."""

    _writer: Worker
    _reader: Worker

    def __init__(self, documents: Path | None) -> None:
        self.company = Alone()
        self._documents = Folder(documents)
        self._held = AsyncExitStack()

    async def run(self, unit: Unit[T]) -> T:
        return await self._writer.run(unit)

    async def check(self) -> list[str]:
        return await self._reader.run(_integrity)

    async def close(self) -> None:
        await self._held.aclose()

    def documents(self, name: str) -> Storage:
        return self._documents.storage(name)

    def document_names(self) -> list[str]:
        return self._documents.names()

    def _start(self, connection: sqlite3.Connection, begin: str, held: AsyncExitStack) -> Worker:
        worker = Worker(SQLiteConnection(connection, begin), begin)
        held.push_async_callback(worker.close)
        return worker


class SQLiteStore(EmbeddedStore):
    """A file, served by a thread that writes and a thread that reads. One server at a time may have it open."""

    def __init__(self, path: Path, documents: Path) -> None:
        super().__init__(documents)
        self._path = path

    async def open(self, *, reads_only: bool = False) -> None:
        async with AsyncExitStack() as held:
            if not reads_only:
                writing = _open_for_writing(self._path, held)
                self._writer = self._start(writing, "BEGIN IMMEDIATE", held)
            self._reader = self._start(_open_for_reading(self._path, held), "BEGIN", held)
            self._held = held.pop_all()

    async def read(self, unit: Unit[T]) -> T:
        return await self._reader.run(unit)


class MemoryStore(EmbeddedStore):
    """Gone when it is closed. Reads queue behind writes, since a database in memory has a single connection."""

    def __init__(self) -> None:
        super().__init__(None)

    async def open(self, *, reads_only: bool = False) -> None:
        connection = connect(":memory:")
        self._held.callback(connection.close)
        prepare(connection)
        self._writer = self._reader = self._start(connection, "BEGIN IMMEDIATE", self._held)
        self._connection = connection

    async def read(self, unit: Unit[T]) -> T:
        return await self._writer.run(lambda transaction: self._without_writing(unit, transaction))

    def _without_writing(self, unit: Unit[T], transaction: Transaction) -> T:
        self._connection.execute("PRAGMA query_only = ON")
        try:
            return unit(transaction)
        finally:
            self._connection.execute("PRAGMA query_only = OFF")


def _open_for_writing(path: Path, held: AsyncExitStack) -> sqlite3.Connection:
    """Whoever closes `held` closes it and gives the file free."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held.callback(_lock(path).close)
        connection = connect(str(path))
        held.callback(connection.close)
        prepare(connection)
    except (OSError, sqlite3.Error, ConfigurationError) as error:
        raise ConfigurationError(f"store in [server]: cannot use {path}: {error}") from error
    return connection


def _open_for_reading(path: Path, held: AsyncExitStack) -> sqlite3.Connection:
    try:
        path.stat()
        connection = connect(str(path))
        held.callback(connection.close)
        connection.execute("PRAGMA query_only = ON")
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"store in [server]: cannot read {path}: {error}") from error
    return connection


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


def _integrity(transaction: Transaction) -> list[str]:
    return cast(SQLiteTransaction, transaction).integrity()
