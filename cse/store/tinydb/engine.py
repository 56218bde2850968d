"""The engine: TinyDB's tables in memory, kept in a snapshot that TinyDB can read and a journal beside it."""

import asyncio
import fcntl
import os
from contextlib import AsyncExitStack
from pathlib import Path

from tinydb.storages import Storage

from cse.config import ConfigurationError
from cse.store import Store, T, Unit
from cse.store.company import Alone
from cse.store.documents import Folder
from cse.store.tinydb.compaction import Compaction
from cse.store.tinydb.database import Database
from cse.store.tinydb.storage import JournalStorage
from cse.store.tinydb.transaction import Action, TinyDBConnection, TinyDBTransaction, Turn, nothing
from cse.store.worker import Worker


class TinyDBStore(Store):
    """A snapshot at `path` and a journal beside it. One server at a time may have it open."""

    def __init__(self, path: Path, documents: Path) -> None:
        self.company = Alone()
        self._path = path
        self._documents = Folder(documents)
        self._held = AsyncExitStack()
        self._database = Database(JournalStorage(path))
        self._transaction = TinyDBTransaction(self._database)
        self._turn = Turn()
        self._loaded: object = None

    async def open(self, *, reads_only: bool = False) -> None:
        async with AsyncExitStack() as held:
            try:
                before = self._open_for_reading() if reads_only else self._open_for_writing(held)
            except (OSError, ConfigurationError) as error:
                raise ConfigurationError(f"store in [server]: cannot use {self._path}: {error}") from error
            self._reader = self._start(TinyDBConnection(self._transaction, self._turn, before=before), held)
            self._held = held.pop_all()

    async def run(self, unit: Unit[T]) -> T:
        return await self._writer.run(unit)

    async def read(self, unit: Unit[T]) -> T:
        return await self._reader.run(unit)

    async def close(self) -> None:
        await self._held.aclose()

    async def check(self) -> list[str]:
        return await self._reader.run(lambda transaction: self._database.check())

    def documents(self, name: str) -> Storage:
        return self._documents.storage(name)

    def document_names(self) -> list[str]:
        return self._documents.names()

    def _open_for_writing(self, held: AsyncExitStack) -> Action:
        """Nothing has to be done before a read then, since this process has everything."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        held.callback(os.close, _lock(self._path))
        held.callback(self._database.storage.close)
        self._database.load(self._database.storage.open())
        compaction = Compaction(self._database)
        held.push_async_callback(asyncio.to_thread, compaction.finish)
        connection = TinyDBConnection(self._transaction, self._turn, writes=True, behind=compaction.consider)
        self._writer = self._start(connection, held)
        return nothing

    def _open_for_reading(self) -> Action:
        """Before each read comes what another process has written meanwhile."""
        self._catch_up()
        return self._catch_up

    def _catch_up(self) -> None:
        state = self._database.storage.state()
        if state != self._loaded:
            self._database.load(self._database.storage.load())
            self._loaded = state

    def _start(self, connection: TinyDBConnection, held: AsyncExitStack) -> Worker:
        worker = Worker(connection, "writer" if connection.writes else "reader")
        held.push_async_callback(worker.close)
        return worker


def _lock(path: Path) -> int:
    """A file that keeps every other server out until it is closed or its process ends, however it ends."""
    file = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(file)
        raise ConfigurationError("another server has it open; stop that one or choose another file") from error
    return file
