"""Sends notifications from the outbox, and asks what has to be answered before an operation."""

import asyncio
import logging
from dataclasses import replace

from cse.consent import Question
from cse.core import Core
from cse.errors import TargetNotReachable
from cse.exchange import Exchange
from cse.notification import Outgoing
from cse.primitive import Response
from cse.store import Effect
from cse.work import Work

log = logging.getLogger(__name__)

ATTEMPTS = 2
PAUSE = 1.0  # seconds: clients subscribe before their own server listens
LONGEST_BACKLOG = 30.0  # seconds; what has waited longer for such a target is not tried at all
MOST_REMEMBERED = 10_000
SHARE_OF_SILENT = 0.25


class Notifier:
    """A notification is tried twice. What nobody takes then is kept by its source, or dropped, with a line in the log.

    A target that was silent is tried only once until it answers again. There are slots apart for such targets, so that
    nobody has to wait for them.
    """

    def __init__(self, core: Core, exchange: Exchange) -> None:
        self._core = core
        self._exchange = exchange
        parallel = core.settings.parallel_notifications
        self._slots = asyncio.Semaphore(parallel)
        self._slots_for_silent = asyncio.Semaphore(max(1, int(parallel * SHARE_OF_SILENT)))
        self._silent: dict[str, None] = {}

    async def send(self, effect: Effect) -> None:
        """The handler of the outbox."""
        outgoing = Outgoing(**effect.document)
        if not outgoing.queue:
            await self._send(outgoing)
        elif filled := await self._core.read(lambda work: _filled(work, outgoing)):
            await self._send(filled)

    async def ask(self, question: Question) -> None:
        """Raises what the question says unless the target answers with success."""
        outgoing = Outgoing(question.target, question.content)
        try:
            response = await self._repeatedly(outgoing, question.attempts, answer_matters=True)
        except TargetNotReachable as error:
            raise question.unreachable(f"nu: no answer to the request for consent: {error}") from error
        if not response.succeeded:
            code = response.status_code
            raise question.refused(f"nu: {question.target} answered the request for consent with {code}")

    async def _send(self, outgoing: Outgoing) -> None:
        failure = ""
        try:
            await self._deliver(outgoing)
        except TargetNotReachable as error:
            failure = str(error)
        kept = False
        if outgoing.source:
            kept = await self._core.run(lambda work: _report(work, outgoing, arrived=not failure))
        if failure and not kept:
            log.warning("notification dropped: %s", failure)

    async def _deliver(self, outgoing: Outgoing) -> None:
        target = outgoing.target
        try:
            if target in self._silent:
                await self._once_more(outgoing)
            else:
                await self._repeatedly(outgoing, ATTEMPTS, answer_matters=False)
        except TargetNotReachable:
            self._silent[target] = None
            if len(self._silent) > MOST_REMEMBERED:
                del self._silent[next(iter(self._silent))]
            raise
        self._silent.pop(target, None)

    async def _once_more(self, outgoing: Outgoing) -> None:
        """To a target that was silent last time."""
        if self._core.clock.now() - outgoing.created > LONGEST_BACKLOG:
            raise TargetNotReachable(f"{outgoing.target} was silent for too long while this notification waited")
        async with self._slots_for_silent:
            await self._exchange.notify(outgoing, answer_matters=False)

    async def _repeatedly(self, outgoing: Outgoing, attempts: int, *, answer_matters: bool) -> Response:
        for _ in range(1, attempts):
            try:
                return await self._once(outgoing, answer_matters=answer_matters)
            except TargetNotReachable:
                await self._core.clock.sleep(PAUSE)
        return await self._once(outgoing, answer_matters=answer_matters)

    async def _once(self, outgoing: Outgoing, *, answer_matters: bool) -> Response:
        async with self._slots:
            return await self._exchange.notify(outgoing, answer_matters=answer_matters)


def _filled(work: Work, outgoing: Outgoing) -> Outgoing | None:
    """With what is the first in its queue by now; None if nothing is."""
    for item, document in work.transaction.queues.items(outgoing.source, outgoing.queue, 1):
        return replace(outgoing, item=item, **document)
    return None


def _report(work: Work, outgoing: Outgoing, *, arrived: bool) -> bool:
    source = work.transaction.resources.get(outgoing.source)
    return source is not None and work.type_of(source).delivered(work, source, outgoing, arrived=arrived)
