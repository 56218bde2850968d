"""Answers that come in at one process and are waited for in another."""

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
    """Hands answers on to the other processes, many at once when many come."""

    def __init__(self, core: Core, switchboard: Switchboard) -> None:
        self._core = core
        self._switchboard = switchboard
        self._waiting: list[Answer] = []
        self._handing_on: asyncio.Task[None] | None = None

    def hand_on(self, answer: Answer) -> None:
        """Soon: devices that answer do not wait for it."""
        self._waiting.append(answer)
        if self._handing_on is None or self._handing_on.done():
            self._handing_on = self._core.start(self._hand_on(), "answers for other processes")

    async def _hand_on(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            await self._switchboard.tell(KIND, {"answers": [_values(answer) for answer in taken]})


def answers_in(document: Document) -> list[Answer]:
    """What another process has handed on."""
    return [
        Answer(identifier, originator, Response(**response), network)
        for identifier, originator, response, network in document["answers"]
    ]


def _values(answer: Answer) -> list[Any]:
    identifier, originator, response, network = answer
    return [identifier, originator, dataclasses.asdict(response), network]
