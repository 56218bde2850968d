"""Answers of devices that come in at one process and are waited for in another."""

import asyncio
import dataclasses
from typing import Any, NamedTuple

from cse.cluster.switchboard import Document, Switchboard
from cse.core import Core
from cse.primitive import Response

KIND = "answers"
AT_ONCE = 200


class Answer(NamedTuple):
    """As networks hand it over (`cse.network.Engine.answer`)."""

    request_identifier: str
    originator: str
    response: Response
    network: str


class Answers:
    """Hands answers on to the conductor, many at once when many come."""

    def __init__(self, core: Core, switchboard: Switchboard) -> None:
        self._core = core
        self._switchboard = switchboard
        self._waiting: list[tuple[Answer, asyncio.Future[None]]] = []
        self._handing_on: asyncio.Task[None] | None = None

    async def hand_on(self, answer: Answer) -> None:
        """Return when the conductor has made it durable; TargetNotReachable if it does not say so in time."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((answer, done))
        if self._handing_on is None or self._handing_on.done():
            self._handing_on = self._core.start(self._hand_on(), "answers for the conductor")
        await done

    async def _hand_on(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            await self._ask(taken)

    async def _ask(self, taken: list[tuple[Answer, asyncio.Future[None]]]) -> None:
        document = document_of([answer for answer, _ in taken])
        error: Exception | None = None
        try:
            await self._switchboard.ask(KIND, document, self._core.settings.exchange_timeout)
        except Exception as caught:
            error = caught
        for _, done in taken:
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)


def document_of(answers: list[Answer]) -> Document:
    """For another process."""
    return {"answers": [_values(answer) for answer in answers]}


def answers_in(document: Document) -> list[Answer]:
    """What another process has handed on."""
    return [
        Answer(identifier, originator, Response(**response), network)
        for identifier, originator, response, network in document["answers"]
    ]


def _values(answer: Answer) -> list[Any]:
    identifier, originator, response, network = answer
    return [identifier, originator, dataclasses.asdict(response), network]
