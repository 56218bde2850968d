"""Being there: the connection that holds a process's place, and what PostgreSQL says about the others.

A place is a session-level advisory lock, so PostgreSQL itself gives it free when the process dies, or when nothing has
been heard of it for a while. A row of the table `process` says that somebody had it. A process whose lock is gone is
buried at once by whoever sees it first; only after a restart of PostgreSQL, which takes the locks of all, everybody has
some time to come back.
"""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import TupleRow

from cse.store.postgresql.connection import adapt
from cse.store.postgresql.keys import PRESENCE, lock_class, lock_key
from cse.store.postgresql.schema import SCHEMA

SILENCE = 6  # seconds after which PostgreSQL gives up somebody of whom nothing is heard
_PATIENT_BEATS = 10  # during which a process may come back after a restart of PostgreSQL

# Whoever is cut off has to notice before the others are told.
_CONNECTION = {"tcp_user_timeout": "2000", "connect_timeout": "2", "application_name": "cse presence"}
_SESSION = f"SET idle_session_timeout = '{SILENCE}s'; SET tcp_keepalives_idle = 2; SET tcp_user_timeout = 4000"
_LOCK = "SELECT pg_try_advisory_lock(%s)"
_ENTER = "INSERT INTO process (id, number, server_start) VALUES (%s, %s, pg_postmaster_start_time())"
_RETURN = "UPDATE process SET server_start = pg_postmaster_start_time() WHERE id = %s"
_EVERYBODY = """
SELECT id, server_start = pg_postmaster_start_time(), number IN (
    SELECT objid::bigint FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND classid::bigint = %s
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
) FROM process
"""
_CONDUCT = (
    "UPDATE conductor SET process = %s WHERE process IS NULL OR process NOT IN (SELECT id FROM process)"
    " RETURNING process"
)
_CUT_OFF = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = convert_from(%s, 'UTF8') AND datname = current_database()"
)
_BURY = (
    "UPDATE effect SET claimant = NULL WHERE claimant = %s",
    "DELETE FROM lane WHERE claimant = %s",
    "DELETE FROM message WHERE recipient = %s",
    "UPDATE conductor SET process = NULL WHERE process = %s",
)


class Everybody(NamedTuple):
    """Who is there or may come back, and who is not but has still something."""

    known: frozenset[str]
    gone: frozenset[str]


class Presence:
    """Of one process; `number` is what its lock is about."""

    def __init__(self, parameters: dict[str, Any], process: str, number: int) -> None:
        self._parameters = parameters | _CONNECTION
        self._process = process
        self._number = number
        self._absences: Counter[str] = Counter()
        self.connection: psycopg.AsyncConnection[TupleRow]
        self.schema = ""

    async def enter(self) -> None:
        """Take the place for the first time."""
        await self._connect()
        if not await self._lock():
            raise RuntimeError(f"there is a process {self._process} already")
        await self.connection.execute(_ENTER, (self._process, self._number))

    async def come_back(self) -> bool:
        """Take the place again on a new connection; false if it has to be tried again, LookupError if it is lost."""
        await self.connection.close()
        try:
            await self._connect()
            if not await self._lock():
                return False
            if (await self.connection.execute(_RETURN, (self._process,))).rowcount == 0:
                raise LookupError("others have taken over what it had")
        except psycopg.errors.ConnectionTimeout as error:
            raise TimeoutError(str(error)) from error
        except psycopg.OperationalError:
            return False
        return True

    async def everybody(self) -> Everybody:
        """Who is there, this process included."""
        cursor = await self.connection.execute(_EVERYBODY, (lock_class(self.schema, PRESENCE),))
        rows = [(process.decode(), before, there) for process, before, there in await cursor.fetchall()]
        self._absences = Counter({process: self._absences[process] + 1 for process, _, there in rows if not there})
        gone = frozenset(
            process
            for process, same_server, there in rows
            if not there and (same_server or self._absences[process] > _PATIENT_BEATS)
        )
        return Everybody(frozenset(process for process, _, _ in rows) - gone, gone)

    async def conduct(self) -> bool:
        """Become the conductor, if there is none."""
        cursor = await self.connection.execute(_CONDUCT, (self._process,))
        return await cursor.fetchone() is not None

    async def bury(self, process: str) -> None:
        """Give free what a process has had.

        It may hang in the middle of a unit, whose locks would keep everybody from that: so its sessions end first.
        """
        await self.connection.execute(_CUT_OFF, (sessions_of(process),))
        await bury(self.connection, process)

    async def words(self, seconds: float) -> AsyncIterator[str]:
        """What is said on the channel meanwhile."""
        async with contextlib.aclosing(self.connection.notifies(timeout=seconds)) as notifications:
            async for notification in notifications:
                yield notification.payload

    async def close(self) -> None:
        await self.connection.close()

    async def _connect(self) -> None:
        self.connection = await psycopg.AsyncConnection.connect(**self._parameters, autocommit=True)
        adapt(self.connection)
        await self.connection.execute(_SESSION, prepare=False)
        row = await (await self.connection.execute(SCHEMA)).fetchone()
        self.schema = str(row and row[0])
        await self.connection.execute(f"LISTEN {channel(self.schema)}", prepare=False)

    async def _lock(self) -> bool:
        cursor = await self.connection.execute(_LOCK, (lock_key(self.schema, PRESENCE, self._number),))
        return await cursor.fetchone() == (True,)


def sessions_of(process: str) -> str:
    """The application name of a process's sessions, but for the one that holds its place."""
    return f"cse {process}"


def channel(schema: str) -> str:
    """On which the processes tell each other that there is something to look at."""
    return f"cse_{lock_class(schema, 'channel'):08x}"


async def bury(connection: psycopg.AsyncConnection[TupleRow], process: str) -> None:
    """Take a process off the list; its claims and its place are free when it is not there any more."""
    async with connection.transaction():
        if (await connection.execute("DELETE FROM process WHERE id = %s", (process,))).rowcount:
            for statement in _BURY:
                await connection.execute(statement, (process,))
