"""What processes tell each other: messages in a table, and words on a channel."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import psycopg
from psycopg.rows import TupleRow

from cse.store.company import CONDUCTOR, EVERYBODY, Message
from cse.store.postgresql.connection import adapt
from cse.store.postgresql.presence import bury, sessions_of

MAIL, WAKE, VACANT = "mail", "wake", "vacant"  # the first word of what goes over the channel

_POST = """
INSERT INTO message (recipient, sender, kind, document)
SELECT recipient, %(sender)s, %(kind)s, %(document)s FROM (
    SELECT id AS recipient FROM process
    WHERE id = %(recipient)s OR %(recipient)s = %(everybody)s AND id <> %(sender)s
    UNION ALL SELECT %(conductor)s WHERE %(recipient)s = %(conductor)s
) AS recipients
"""
_TAKE = "DELETE FROM message WHERE recipient = ANY(%b::bytea[]) RETURNING id, sender, kind, document"
_SAY = "SELECT pg_notify('{channel}', convert_from(%s, 'UTF8'))"


class Mail:
    """Of one process, on a connection that is made anew when it breaks."""

    def __init__(self, parameters: dict[str, Any], process: str) -> None:
        self._parameters = parameters | {"application_name": sessions_of(process)}
        self._process = process
        self._connection: psycopg.AsyncConnection[TupleRow] | None = None
        self._one_at_a_time = asyncio.Lock()
        self.channel = ""

    async def post(self, recipient: str, kind: str, document: dict[str, Any]) -> None:
        """Put a message there, and say so."""
        values = {
            "recipient": recipient,
            "sender": self._process,
            "kind": kind,
            "document": orjson.dumps(document),
            "everybody": EVERYBODY,
            "conductor": CONDUCTOR,
        }
        await self._execute(_POST, values)
        await self.say(f"{MAIL} {recipient} {self._process}")

    async def take(self, *recipients: str) -> list[Message]:
        """The messages to these, which are there no more."""
        cursor = await self._execute(_TAKE, (list(recipients),))
        rows = sorted(await cursor.fetchall())
        return [Message(sender.decode(), kind.decode(), orjson.loads(document)) for _, sender, kind, document in rows]

    async def say(self, words: str) -> None:
        """To everybody who listens, this process included."""
        await self._execute(_SAY.format(channel=self.channel), (words,))

    async def bury(self, process: str) -> None:
        """As `presence.bury`."""
        async with self._one_at_a_time:
            await bury(await self._connected(), process)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _execute(self, statement: str, values: Any) -> psycopg.AsyncCursor[TupleRow]:
        async with self._one_at_a_time:
            for last in (False, True):
                try:
                    connection = await self._connected()
                    return await connection.cursor(binary=True).execute(statement, values)
                except psycopg.OperationalError:
                    if last or self._connection is None or not self._connection.closed:
                        raise
        raise AssertionError

    async def _connected(self) -> psycopg.AsyncConnection[TupleRow]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(**self._parameters, autocommit=True)
            adapt(self._connection)
        return self._connection


class Wakes:
    """Topics that are to be woken for; those that come while others are on their way gather."""

    def __init__(self, say: Callable[[str], Any]) -> None:
        self._say = say
        self._topics: set[str] = set()
        self._something = asyncio.Event()

    def add(self, topic: str) -> None:
        self._topics.add(topic)
        self._something.set()

    async def carry_on(self) -> None:
        """Until it is cancelled."""
        while True:
            await self._something.wait()
            self._something.clear()
            topics, self._topics = self._topics, set()
            for topic in sorted(topics):
                with suppress(psycopg.Error):  # the others look from time to time even if nobody wakes them
                    await self._say(topic)
