"""Several servers in one process, over one store in memory; they hear of each other as processes would."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import orjson
from tinydb.storages import Storage

from cse.store import Store, Unit
from cse.store.company import CONDUCTOR, EVERYBODY, Colleague, Company, Message
from cse.store.sqlite.engine import MemoryStore
from cse.testing.clock import ManualClock
from tests.cse.fanout.scenario import Scenario, eventually, scenario


class Seat(Company):
    """The place of one server in a meeting."""

    def __init__(self, meeting: "Meeting", process: str) -> None:
        self.process = process
        self.colleague: Colleague | None = None
        self._meeting = meeting
        self._lost = asyncio.Event()

    is_shared = True

    @property
    def conducts(self) -> bool:
        return self._meeting.conductor is self

    async def processes(self) -> frozenset[str]:
        return frozenset(seat.process for seat in self._meeting.seats)

    async def join(self, colleague: Colleague) -> None:
        self.colleague = colleague
        self._meeting.seats.append(self)

    async def conduct(self) -> None:
        while self._meeting.conductor is not None:
            self._meeting.vacant.clear()
            await self._meeting.vacant.wait()
        self._meeting.conductor = self
        for message in self._meeting.for_conductor:
            self._hear(message)
        self._meeting.for_conductor.clear()

    async def lost(self) -> None:
        await self._lost.wait()

    async def post(self, recipient: str, kind: str, document: dict[str, Any]) -> None:
        message = Message(self.process, kind, orjson.loads(orjson.dumps(document)))
        if recipient == CONDUCTOR:
            self._to_conductor(message)
        for seat in list(self._meeting.seats):
            if seat.process == recipient or (recipient == EVERYBODY and seat is not self):
                seat._hear(message)

    def wake(self, topic: str) -> None:
        for seat in self._meeting.seats:
            if seat is not self and seat.colleague is not None:
                asyncio.get_running_loop().call_soon(seat.colleague.woken, topic)

    async def leave(self) -> None:
        self.die()

    def die(self) -> None:
        """It is not there any more; the others hear of it, and itself if it is still alive."""
        if self not in self._meeting.seats:
            return
        self._meeting.seats.remove(self)
        self._lost.set()
        if self.conducts:
            self._meeting.conductor = None
            self._meeting.vacant.set()
        for seat in self._meeting.seats:
            if seat.colleague is not None:
                seat.colleague.departed(self.process)

    def _to_conductor(self, message: Message) -> None:
        if self._meeting.conductor is None:
            self._meeting.for_conductor.append(message)
        else:
            self._meeting.conductor._hear(message)

    def _hear(self, message: Message) -> None:
        if self.colleague is not None:
            asyncio.get_running_loop().call_soon(self.colleague.received, message)


class Meeting:
    """Those who have come, and who conducts."""

    def __init__(self) -> None:
        self.seats: list[Seat] = []
        self.conductor: Seat | None = None
        self.vacant = asyncio.Event()
        self.for_conductor: list[Message] = []
        self.store = MemoryStore()
        self._numbers = itertools.count(1)

    def seat(self) -> Seat:
        return Seat(self, f"p{next(self._numbers)}")


class SharedStore(Store):
    """The store of a meeting as one server sees it."""

    def __init__(self, meeting: Meeting) -> None:
        self.company: Seat = meeting.seat()
        self._store = meeting.store

    async def open(self, *, reads_only: bool = False) -> None:
        """It is open as long as the meeting lasts."""

    async def run(self, unit: Unit[Any]) -> Any:
        return await self._store.run(unit)

    async def read(self, unit: Unit[Any]) -> Any:
        return await self._store.read(unit)

    async def close(self) -> None:
        """The others go on."""

    def documents(self, name: str) -> Storage:
        return self._store.documents(name)

    def document_names(self) -> list[str]:
        return self._store.document_names()

    async def check(self) -> list[str]:
        return []


@asynccontextmanager
async def company(count: int, **settings: Any) -> AsyncIterator[list[Scenario]]:
    """So many servers over one store; the first one conducts."""
    meeting, clock = Meeting(), ManualClock()
    await meeting.store.open()
    async with AsyncExitStack() as held:
        held.push_async_callback(meeting.store.close)
        servers = []
        for _ in range(count):
            servers.append(await held.enter_async_context(scenario(SharedStore(meeting), clock, **settings)))
            await eventually(lambda: meeting.conductor is not None)
        yield servers


def seat_of(city: Scenario) -> Seat:
    """The place of a server, to be killed for example."""
    seat = city.server.core.store.company
    assert isinstance(seat, Seat)
    return seat
