"""The engines: a SQLite file, and the same tables in memory for tests."""

import asyncio
import logging
import sqlite3
from abc import abstractmethod
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import cast
from uuid import uuid4

from tinydb.storages import Storage

from cse.store import Store, T, Transaction, Unit
from cse.store.company import Alone
from cse.store.documents import Folder
from cse.store.sqlite.files import copy, open_for_reading, open_for_writing
from cse.store.sqlite.quick import OrdinaryWay, writing
from cse.store.sqlite.quick.way import QuickWay
from cse.store.sqlite.schema import connect, prepare
from cse.store.sqlite.transaction import SQLiteConnection, SQLiteReader, SQLiteTransaction
from cse.store.worker import Worker

log = logging.getLogger(__name__)

READERS = 3  # a long read, as that of the members of a large group, must not keep short ones waiting
PURGE_PAUSE = 0.005  # seconds between two slices; others have the writer and the disk meanwhile


class EmbeddedStore(Store):
    """What the engines in this process have in common: a writer, and things to release in the end."""

    _writer: Worker
    _reader: Worker
    _written: SQLiteTransaction
    _quick: QuickWay | None = None

    def __init__(self, documents: Path | None) -> None:
        self.company = Alone()
        self._documents = Folder(documents)
        self._held = AsyncExitStack()
        self._purging: asyncio.Task[None] | None = None

    async def run(self, unit: Unit[T]) -> T:
        if self._quick is None:
            raise RuntimeError("the store is not open for writing")
        result = await self._quick.run(unit)
        self._purge_what_is_gone()
        return result

    async def read(self, unit: Unit[T]) -> T:
        if self._quick is not None:
            with suppress(OrdinaryWay):
                return await self._quick.read(unit)
        return await self._read(unit)

    async def check(self) -> list[str]:
        return await self._reader.run(_integrity)

    async def close(self) -> None:
        await self._held.aclose()

    def documents(self, name: str) -> Storage:
        return self._documents.storage(name)

    def document_names(self) -> list[str]:
        return self._documents.names()

    @abstractmethod
    async def _read(self, unit: Unit[T]) -> T:
        """Run a unit that only reads in a thread."""

    def _start_writer(self, connection: sqlite3.Connection, reading: sqlite3.Connection, held: AsyncExitStack) -> None:
        """With one connection for the thread that writes, and one by which the event loop reads."""
        writing.prepare(connection)
        prepared = SQLiteConnection(connection, "BEGIN IMMEDIATE")
        self._written = prepared.transaction
        self._writer = Worker(prepared, "writer")
        held.push_async_callback(self._writer.close)
        held.push_async_callback(self._stop_purging)
        self._quick = QuickWay(reading, self._writer)
        held.push_async_callback(self._quick.close)
        self._purge_what_is_gone()

    def _purge_what_is_gone(self) -> None:
        if self._written.to_purge and self._purging is None:
            self._purging = asyncio.create_task(self._purge(), name="purge")

    async def _purge(self) -> None:
        """Slice by slice, so that other units come in between. What fails is done after the next removal or start."""
        try:
            while self._written.to_purge:
                await self._writer.run(lambda _: self._written.purge())
                await asyncio.sleep(PURGE_PAUSE)
        except Exception:
            log.exception("what has been removed could not be taken out of the store's file")
            self._written.tree.to_purge = False
        finally:
            self._purging = None

    async def _stop_purging(self) -> None:
        if self._purging is not None:
            self._purging.cancel()
            await asyncio.gather(self._purging, return_exceptions=True)


class SQLiteStore(EmbeddedStore):
    """A file, served by the event loop, a thread that writes and threads that read (see `cse.store.sqlite.quick`).

    One server at a time may have it open.
    """

    def __init__(self, path: Path, documents: Path) -> None:
        super().__init__(documents)
        self._path = path

    async def open(self, *, reads_only: bool = False) -> None:
        async with AsyncExitStack() as held:
            if not reads_only:
                written = open_for_writing(self._path, held)
                self._start_writer(written, open_for_reading(self._path, held), held)
            reading = [SQLiteReader(open_for_reading(self._path, held)) for _ in range(READERS)]
            self._reader = Worker(reading[0], "reader", *reading[1:], batch=1)
            held.push_async_callback(self._reader.close)
            self._held = held.pop_all()

    async def _read(self, unit: Unit[T]) -> T:
        return await self._reader.run(unit)

    async def copy(self, file: Path) -> bool:
        await asyncio.to_thread(copy, self._path, file)
        return True


class MemoryStore(EmbeddedStore):
    """Gone when it is closed. What must be read in a thread queues behind what is written."""

    def __init__(self) -> None:
        super().__init__(None)
        self._place = f"file:cse-{uuid4()}?mode=memory&cache=shared"

    async def open(self, *, reads_only: bool = False) -> None:
        written, reading = (connect(self._place, uri=True) for _ in range(2))
        for connection in (written, reading):
            self._held.callback(connection.close)
        prepare(written)
        # What units have written is seen before it is in the file, too, and nobody waits for locks.
        reading.execute("PRAGMA read_uncommitted = ON")
        reading.execute("PRAGMA query_only = ON")
        self._start_writer(written, reading, self._held)
        self._reader = self._writer

    async def _read(self, unit: Unit[T]) -> T:
        return await self._writer.run(lambda transaction: self._without_writing(unit, transaction))

    def _without_writing(self, unit: Unit[T], transaction: Transaction) -> T:
        self._written.connection.execute("PRAGMA query_only = ON")
        try:
            return unit(transaction)
        finally:
            self._written.connection.execute("PRAGMA query_only = OFF")


def _integrity(transaction: Transaction) -> list[str]:
    return cast(SQLiteTransaction, transaction).integrity()
