"""Questions and news between the processes of a company."""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from cse.core import Core
from cse.errors import CSEError, TargetNotReachable, error_with
from cse.store.company import CONDUCTOR, EVERYBODY, Message

log = logging.getLogger(__name__)

Document = dict[str, Any]
Handler = Callable[[Document], Awaitable[Document]]
Listener = Callable[[Document], None]

REPLY, TAKEN = "reply", "taken"
DEPARTED = "the process that had to carry it out has ended: send the request again"


class _Question:
    """Something that was asked. `taken_by` is the process that works on it."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[Document] = asyncio.get_running_loop().create_future()
        self.taken_by = ""


class Switchboard:
    """It is a `cse.store.company.Colleague`. Whoever answers questions or wants news says so before `join`.

    `conducts` is whether this process is the conductor and has begun as such.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._company = core.store.company
        self._handlers: dict[str, Handler] = {}
        self._listeners: dict[str, Listener] = {}
        self._woken: dict[str, Callable[[str], None]] = {}
        self._departures: list[Callable[[str], None]] = []
        self._questions: defaultdict[str, _Question] = defaultdict(_Question)
        self._begun = asyncio.Event()

    @property
    def conducts(self) -> bool:
        return self._begun.is_set()

    def begun(self) -> None:
        """This process conducts from now on; questions that have waited for that are answered now."""
        self._begun.set()

    async def is_here(self) -> bool:
        """Whether what only the conductor does is done in this process, which may be about to begin with it."""
        if self._company.is_shared and self._company.conducts:
            await self._begun.wait()
        return self._company.conducts

    def answers(self, kind: str, handler: Handler) -> None:
        """The conductor answers questions of this kind by this handler; a CSEError is raised where it was asked."""
        self._handlers[kind] = handler

    def listens(self, kind: str, listener: Listener) -> None:
        """News of this kind go to this listener, in every process."""
        self._listeners[kind] = listener

    def wakes(self, topic: str, wake: Callable[[str], None]) -> None:
        """Call this when somebody else says `wake` for this topic, with what it is about."""
        self._woken[topic] = wake

    def departures(self, heed: Callable[[str], None]) -> None:
        """Call this when another process has ended."""
        self._departures.append(heed)

    def wake(self, topic: str, about: str = "") -> None:
        """Wake all others for this topic."""
        self._company.wake(f"{topic} {about}")

    async def tell(self, kind: str, document: Document) -> None:
        """News for all others."""
        await self._company.post(EVERYBODY, kind, document)

    async def ask(self, kind: str, document: Document, patience: float) -> Document:
        """The conductor's answer; TargetNotReachable if it ends meanwhile or takes longer than so many seconds."""
        token, until = secrets.token_hex(8), self._core.clock.now() + patience
        question = self._questions[token]
        try:
            await self._company.post(CONDUCTOR, kind, {"token": token, "until": until, "about": document})
            if not await self._core.clock.within(patience, asyncio.shield(question.answer)):
                raise TargetNotReachable(f"nobody has answered within {patience:g} seconds: send the request again")
            return _result(question.answer.result())
        finally:
            question.answer.cancel()
            del self._questions[token]

    def received(self, message: Message) -> None:
        document = message.document
        if message.kind in (REPLY, TAKEN):
            self._hear(message)
        elif message.kind in self._listeners:
            self._listeners[message.kind](document)
        elif message.kind in self._handlers:
            self._core.start(self._answer(message), f"question of {message.sender}")
        else:
            log.warning("process %s has sent %s, which this release does not know", message.sender, message.kind)

    def woken(self, topic: str) -> None:
        name, _, about = topic.partition(" ")
        if name in self._woken:
            self._woken[name](about)

    def departed(self, process: str) -> None:
        for question in self._questions.values():
            if question.taken_by == process and not question.answer.done():
                question.answer.set_result({"rsc": TargetNotReachable.status_code, "text": DEPARTED})
        for heed in self._departures:
            heed(process)

    def _hear(self, message: Message) -> None:
        question = self._questions.get(message.document["token"])
        if question is None or question.answer.done():
            return
        question.taken_by = message.sender
        if message.kind == REPLY:
            question.answer.set_result(message.document)

    async def _answer(self, message: Message) -> None:
        question = message.document
        reply: Document = {"token": question["token"]}
        await self._company.post(message.sender, TAKEN, reply)
        await self._begun.wait()
        if self._core.clock.now() > question["until"]:
            return
        try:
            reply["answer"] = await self._handlers[message.kind](question["about"])
        except CSEError as error:
            reply |= {"rsc": error.status_code, "text": str(error)}
        except Exception:
            log.exception("question %s of process %s failed", message.kind, message.sender)
            reply |= {"rsc": CSEError.status_code, "text": "it failed in another process: see that server's log"}
        await self._company.post(message.sender, REPLY, reply)


def _result(reply: Document) -> Document:
    if "rsc" in reply:
        raise error_with(reply["rsc"], reply["text"])
    answer: Document = reply["answer"]
    return answer
