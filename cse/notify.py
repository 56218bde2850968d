"""Sends notifications from the outbox, and asks what has to be answered before an operation."""

import logging
from dataclasses import replace

from cse.complaints import Complaints
from cse.consent import Question
from cse.core import Core
from cse.errors import TargetNotReachable
from cse.exchange import Exchange
from cse.notification import Outgoing
from cse.outbox.service import Postponed
from cse.primitive import Response
from cse.store import Effect
from cse.turns import Slots
from cse.work import Work

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0  # seconds: clients subscribe before their own server listens
MOST_REMEMBERED = 10_000
SHARE_OF_SILENT = 0.25


class Notifier:
    """A notification whose target can't be reached is tried again after a pause, which grows, until it is too old.

    A response with an error is a response. There are slots apart for targets that were silent, so that nobody has to
    wait for them; no slot is held in the pauses.
    """

    def __init__(self, core: Core, exchange: Exchange) -> None:
        self.dropped = 0
        self._core = core
        self._exchange = exchange
        parallel = core.settings.parallel_notifications
        self._slots = Slots(parallel)
        self._slots_for_silent = Slots(max(1, int(parallel * SHARE_OF_SILENT)))
        self._pauses: dict[str, float] = {}  # of silent targets: seconds until the next attempt
        self._complaints = Complaints(core.clock, log)

    @property
    def unreachable(self) -> int:
        """How many targets could not be reached the last time."""
        return len(self._pauses)

    async def send(self, effect: Effect) -> None:
        """The handler of the outbox."""
        outgoing = Outgoing(**effect.document)
        was_silent = outgoing.target in self._pauses
        if was_silent or outgoing.queue:
            current = await self._core.read(lambda work: _as_it_is_now(work, outgoing))
        else:
            current = outgoing
        if current is None:
            return
        if was_silent and self._is_too_old(current):
            await self._report(current, arrived=False)
        else:
            await self._attempt(current)

    def give_up(self, work: Work, effect: Effect) -> None:
        """In a unit of work: it is dropped, because too much waits."""
        outgoing = Outgoing(**effect.document)
        current = _as_it_is_now(work, outgoing)
        if current is not None:
            _report(work, replace(current, pause=self._pause(outgoing.target)), arrived=False)
        self._dropped(outgoing.target, "too many wait (notification_queue, max_notifications)")

    async def ask(self, question: Question) -> None:
        """Raises what the question says unless the target answers with success."""
        outgoing = Outgoing(question.target, question.content)
        try:
            response = await self._repeatedly(outgoing, question.attempts)
        except TargetNotReachable as error:
            raise question.unreachable(f"nu: no answer to the request for consent: {error}") from error
        self._pauses.pop(question.target, None)
        if not response.succeeded:
            code = response.status_code
            raise question.refused(f"nu: {question.target} answered the request for consent with {code}")

    async def _attempt(self, outgoing: Outgoing) -> None:
        """Postponed, or reported as not arrived, if the target can't be reached."""
        target = outgoing.target
        try:
            async with self._slots_for_silent if target in self._pauses else self._slots:
                await self._exchange.notify(outgoing, answer_matters=False)
        except TargetNotReachable as error:
            pause = self._grown(target)
            if not outgoing.returns:
                raise Postponed(pause) from error
            await self._report(replace(outgoing, pause=pause), arrived=False)
        else:
            self._pauses.pop(target, None)
            await self._report(outgoing, arrived=True)

    async def _report(self, outgoing: Outgoing, *, arrived: bool) -> None:
        kept = False
        if outgoing.source and outgoing.reported:
            kept = await self._core.run(lambda work: _report(work, outgoing, arrived=arrived))
        if not (arrived or kept):
            self._dropped(outgoing.target, "it can't be reached")

    def _dropped(self, target: str, why: str) -> None:
        self.dropped += 1
        self._complaints.about(target, f"notification to {target} dropped: {why}")

    def _is_too_old(self, outgoing: Outgoing) -> bool:
        """Its source may have it sent again for ever."""
        age = self._core.clock.now() - outgoing.created
        return age > self._core.settings.notification_lifetime and not outgoing.returns

    def _pause(self, target: str) -> float:
        return self._pauses.get(target, min(FIRST_PAUSE, self._core.settings.notification_backoff_limit))

    def _grown(self, target: str) -> float:
        """How long to wait now; twice as long the next time."""
        pause = self._pause(target)
        self._pauses[target] = min(2 * pause, self._core.settings.notification_backoff_limit)
        if len(self._pauses) > MOST_REMEMBERED:
            del self._pauses[next(iter(self._pauses))]
        return pause

    async def _repeatedly(self, outgoing: Outgoing, attempts: int) -> Response:
        for _ in range(1, attempts):
            try:
                return await self._once(outgoing)
            except TargetNotReachable:
                await self._core.clock.sleep(FIRST_PAUSE)
        return await self._once(outgoing)

    async def _once(self, outgoing: Outgoing) -> Response:
        async with self._slots:
            return await self._exchange.notify(outgoing, answer_matters=True)


def _as_it_is_now(work: Work, outgoing: Outgoing) -> Outgoing | None:
    """With what is the first in its queue by now. None if nothing is, or if its source has gone."""
    if outgoing.source and work.transaction.resources.get(outgoing.source) is None:
        return None
    if not outgoing.queue:
        return outgoing
    for item, document in work.transaction.queues.items(outgoing.source, outgoing.queue, 1):
        return replace(outgoing, item=item, **document)
    return None


def _report(work: Work, outgoing: Outgoing, *, arrived: bool) -> bool:
    source = work.transaction.resources.get(outgoing.source)
    if source is None or not outgoing.reported:
        return False
    return work.type_of(source).delivered(work, source, outgoing, arrived=arrived)
