"""The processes that serve one database."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Coroutine
from typing import Any

import psycopg

from cse.store.company import CONDUCTOR, Colleague, Company
from cse.store.postgresql.fence import Fence
from cse.store.postgresql.mail import MAIL, VACANT, WAKE, Mail, Wakes
from cse.store.postgresql.presence import Presence, channel

log = logging.getLogger(__name__)

BEAT = 0.5  # seconds between two looks at who is there
SILENT = 3.0  # seconds that a database may say nothing: it might do so to this process only, and others take over
REFUSING = 20.0  # seconds that it may refuse connections: it does so to the others as well


class PostgreSQLCompany(Company):
    """It begins when the store is opened, since claims need somebody who is present; colleagues hear from `join` on."""

    is_shared = True

    def __init__(self, parameters: dict[str, Any]) -> None:
        number = secrets.randbits(31)
        self.process = f"{number:08x}"
        self.fence = Fence(self.process)
        self._presence = Presence(parameters, self.process, number)
        self._mail = Mail(parameters, self.process)
        self._colleague: Colleague | None = None
        self._known: frozenset[str] = frozenset()
        self._candidate = False
        self._leads, self._lost, self._news = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._wakes = Wakes(lambda topic: self._mail.say(f"{WAKE} {topic} {self.process}"))
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def conducts(self) -> bool:
        return self._leads.is_set() and not self._lost.is_set()

    async def enter(self) -> None:
        """Be present from now on."""
        await self._presence.enter()
        self._mail.channel = channel(self._presence.schema)
        self._known = (await self._presence.everybody()).known
        self._start(self._attend())

    async def processes(self) -> frozenset[str]:
        return self._known | {self.process}

    async def join(self, colleague: Colleague) -> None:
        self._colleague = colleague
        self._start(self._read_mail())
        self._start(self._wakes.carry_on())
        self._news.set()

    async def conduct(self) -> None:
        self._candidate = True
        try:
            await self._leads.wait()
        finally:
            self._candidate = False

    async def lost(self) -> None:
        await self._lost.wait()

    async def post(self, recipient: str, kind: str, document: dict[str, Any]) -> None:
        await self._mail.post(recipient, kind, document)

    def wake(self, topic: str) -> None:
        self._wakes.add(topic)

    async def leave(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if tasks:
            with contextlib.suppress(psycopg.Error):
                await self._mail.bury(self.process)
                await self._mail.say(VACANT)
        await self._presence.close()
        await self._mail.close()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _attend(self) -> None:
        """Be heard by PostgreSQL again and again, until others may have been told that this process is gone."""
        try:
            while True:
                try:
                    await self._beat()
                except psycopg.OperationalError as error:
                    log.warning("The connection to the database has broken: %s", str(error).strip())
                    await self._come_back()
        except (LookupError, TimeoutError, psycopg.Error) as error:
            log.warning("This process has lost its place: %s", str(error).strip() or "the database does not answer")
            self._lost.set()

    async def _beat(self) -> None:
        everybody = await self._presence.everybody()
        for process in sorted(everybody.gone):
            await self._presence.bury(process)
        self._tell_who_departed(everybody.known)
        if self._candidate and not self._leads.is_set() and await self._presence.conduct():
            self.fence.conducted = True
            self._leads.set()
            self._news.set()
        async for words in self._presence.words(BEAT):
            if self._heard(words):
                break

    async def _come_back(self) -> None:
        """TimeoutError if that takes too long, LookupError if it is too late."""
        async with asyncio.timeout(REFUSING):
            while not await self._is_back():  # noqa: ASYNC110
                await asyncio.sleep(BEAT / 2)
        self._news.set()

    async def _is_back(self) -> bool:
        async with asyncio.timeout(SILENT):
            return await self._presence.come_back()

    def _tell_who_departed(self, known: frozenset[str]) -> None:
        departed, self._known = self._known - known, known
        for process in sorted(departed - {self.process}):
            self._tell("departed", process)

    def _heard(self, words: str) -> bool:
        """Take note of what somebody has said; whether there may be something new about who is there."""
        subject, _, rest = words.partition(" ")
        about, _, sender = rest.rpartition(" ")
        if subject == MAIL and (about in (self.process, CONDUCTOR) or sender != self.process):
            self._news.set()
        elif subject == WAKE and sender != self.process:
            self._tell("woken", about)
        return subject == VACANT

    async def _read_mail(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                messages = await self._mail.take(self.process, *([CONDUCTOR] if self.conducts else []))
            except psycopg.Error as error:
                log.warning("Messages of other processes cannot be read now: %s", str(error).strip())
                await asyncio.sleep(BEAT)
                self._news.set()
                continue
            for message in messages:
                self._tell("received", message)

    def _tell(self, what: str, about: Any) -> None:
        """A mistake of whoever hears it must not cost this process its place."""
        try:
            if self._colleague is not None:
                getattr(self._colleague, what)(about)
        except Exception:
            log.exception("%s %s", what, about)
