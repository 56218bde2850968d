"""Who listens, in tests of the company."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from cse.store.company import Message
from cse.store.postgresql.engine import PostgreSQLStore


class Ear:
    """A colleague that notes everything."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.topics: asyncio.Queue[str] = asyncio.Queue()
        self.gone: asyncio.Queue[str] = asyncio.Queue()

    def received(self, message: Message) -> None:
        self.messages.put_nowait(message)

    def woken(self, topic: str) -> None:
        self.topics.put_nowait(topic)

    def departed(self, process: str) -> None:
        self.gone.put_nowait(process)


@asynccontextmanager
async def joined(url: str, count: int) -> AsyncIterator[list[tuple[PostgreSQLStore, Ear]]]:
    """Stores that have joined one company."""
    async with AsyncExitStack() as held:
        members = []
        for _ in range(count):
            store, ear = PostgreSQLStore(url), Ear()
            await store.open()
            held.push_async_callback(store.close)
            await store.company.join(ear)
            members.append((store, ear))
        yield members
