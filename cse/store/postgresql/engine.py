"""The engine: some threads that write and some that read, each with its connection."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import psycopg
from tinydb.storages import Storage

from cse.config import ConfigurationError
from cse.store import Store, T, Unit
from cse.store.postgresql.checks import complaints
from cse.store.postgresql.company import PostgreSQLCompany
from cse.store.postgresql.connection import connect, parameters
from cse.store.postgresql.documents import Documents
from cse.store.postgresql.presence import sessions_of
from cse.store.postgresql.schema import prepare, require, require_encoding
from cse.store.postgresql.session import Session
from cse.store.postgresql.transaction import PostgreSQLConnection
from cse.store.postgresql.worker import PersistentWorker
from cse.store.worker import Worker

WRITERS, READERS = 1, 3
BATCH = 8


class PostgreSQLStore(Store):
    """A database that other processes may serve as well."""

    def __init__(self, url: str) -> None:
        given = parameters(url)
        self._held = AsyncExitStack()
        self.company: PostgreSQLCompany = PostgreSQLCompany(given)
        self._parameters = given | {"application_name": sessions_of(self.company.process)}
        self._fence = self.company.fence

    async def open(self, *, reads_only: bool = False) -> None:
        async with AsyncExitStack() as held:
            self._documents = Documents(partial(self._session, writes=not reads_only), self._fence)
            held.callback(self._documents.close)
            await asyncio.to_thread(self._prepare, reads_only=reads_only)
            self._reader = await self._start(READERS, held, writes=False)
            if not reads_only:
                await self._enter(held)
                self._writer = await self._start(WRITERS, held, writes=True)
            self._held = held.pop_all()

    async def run(self, unit: Unit[T]) -> T:
        return await self._writer.run(unit)

    async def read(self, unit: Unit[T]) -> T:
        return await self._reader.run(unit)

    async def close(self) -> None:
        await self._held.aclose()

    def documents(self, name: str) -> Storage:
        return self._documents.storage(name)

    def document_names(self) -> list[str]:
        return self._documents.names()

    async def check(self) -> list[str]:
        return await self._reader.run(complaints)

    def _prepare(self, *, reads_only: bool) -> None:
        try:
            with connect(self._parameters) as connection:
                require_encoding(connection)
                (require if reads_only else prepare)(connection)
        except ConfigurationError as error:
            raise ConfigurationError(f"store in [server]: cannot use the database: {error}") from error
        except psycopg.OperationalError as error:
            raise ConfigurationError(
                f"store in [server]: cannot reach the database: {' '.join(str(error).split())};"
                " is PostgreSQL running there, are user name and password right, and has the database been made by"
                " CREATE DATABASE?"
            ) from error
        except psycopg.Error as error:
            raise ConfigurationError(f"store in [server]: cannot use the database: {error}") from error

    async def _start(self, count: int, held: AsyncExitStack, *, writes: bool) -> Worker:
        sessions = [await asyncio.to_thread(self._session, writes=writes) for _ in range(count)]
        for session in sessions:
            held.callback(session.close)
        first, *others = (PostgreSQLConnection(session, self._fence) for session in sessions)
        worker = PersistentWorker(first, "writes" if writes else "reads", *others, batch=BATCH)
        held.push_async_callback(worker.close)
        return worker

    async def _enter(self, held: AsyncExitStack) -> None:
        try:
            await self.company.enter()
        finally:
            held.push_async_callback(self.company.leave)

    def _session(self, *, writes: bool) -> Session:
        return Session(partial(connect, self._parameters), writes=writes)
