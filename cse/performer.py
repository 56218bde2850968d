"""Carries out units of work, requests on the tree above all, and what has to happen outside before and after them."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TypeVar

from cse.consent import NO_CONSENT, AnswersNeeded, Consent, ConsentNeeded, Need, Question, ResourceLocked
from cse.core import Core
from cse.errors import RequestTimeout
from cse.events import NOTIFICATION
from cse.inquiry import Inquiry
from cse.memberships import Memberships
from cse.notify import Notifier
from cse.outbox.service import Outbox
from cse.primitive import Operation, Request, Response
from cse.store import Effect
from cse.tree.operations import perform
from cse.work import Work, effect_lane

MOST_ROUNDS = 10
PATIENCE = 1.0  # seconds that an answer or a question waits for notifications that should be there before it

T = TypeVar("T")

Needed = AnswersNeeded | ConsentNeeded | ResourceLocked
NEEDS = (AnswersNeeded, ConsentNeeded, ResourceLocked)

Then = Callable[[Work, Response], None]


class Performer:
    """Reads where reading suffices; asks others where they have to agree; lets one ask at a time about a resource."""

    def __init__(
        self, core: Core, notifier: Notifier, outbox: Outbox, memberships: Memberships, inquiry: Inquiry
    ) -> None:
        self._core = core
        self._notifier = notifier
        self._outbox = outbox
        self._memberships = memberships
        self._inquiry = inquiry

    async def perform(self, request: Request, then: Then | None = None) -> Response:
        """The response of the operation; raises CSEError. `then` runs in the same unit of work."""
        if request.operation is Operation.RETRIEVE and then is None:
            return await self._core.consult(lambda work: perform(work, request))

        def unit(work: Work) -> Response:
            response = perform(work, request)
            if then is not None:
                then(work, response)
            return response

        return await self.carry_out(unit)

    async def inquire(self, effect: Effect) -> None:
        """The handler of the outbox for what a resource wants to know of others outside any request."""

        def unit(work: Work) -> None:
            resource = work.transaction.resources.get(effect.document["target"])
            if resource is not None:
                work.type_of(resource).inquire(work, resource)

        await self.carry_out(unit)

    async def carry_out(self, unit: Callable[[Work], T]) -> T:
        """The result of a unit that may need others; raises CSEError."""
        try:
            return await self._once(unit, NO_CONSENT)
        except NEEDS as error:
            needed: Needed = error
        async with AsyncExitStack() as held:
            return await self._with_consent(unit, needed, held)

    async def _with_consent(self, unit: Callable[[Work], T], needed: Needed, held: AsyncExitStack) -> T:
        consent = NO_CONSENT
        for _ in range(MOST_ROUNDS):
            consent = await self._prepared(needed, consent, held)
            try:
                return await self._once(unit, consent)
            except NEEDS as error:
                needed = error
        raise RequestTimeout("what others had to agree to changed again and again: try it later")

    async def _prepared(self, needed: Needed, consent: Consent, held: AsyncExitStack) -> Consent:
        """What can be said to the unit after what it needed has been done, or waited for."""
        if isinstance(needed, AnswersNeeded):
            answers = await self._inquiry.answers(needed.addresses, needed.originator)
            return replace(consent, answers={**consent.answers, **answers})
        if isinstance(needed, ResourceLocked):
            await self._unlocked(needed.ri)
            return consent
        if needed.locks != consent.locks:
            await self._lock(needed.locks, held)
            return replace(consent, locks=needed.locks)
        return await self._meet(needed, consent, held)

    async def _once(self, unit: Callable[[Work], T], consent: Consent) -> T:
        awaited: list[int] = []

        def inside(work: Work) -> T:
            work.consent = consent
            result = unit(work)
            awaited[:] = work.awaited
            return result

        result = await self._core.run(inside)
        if awaited:
            await self._settled(awaited)
        return result

    async def _meet(self, needed: ConsentNeeded, consent: Consent, held: AsyncExitStack) -> Consent:
        """All at the same time; the first that can't be met decides."""
        await self._settle({need.target for need in needed.needs if isinstance(need, Question)})
        work = [self._meet_one(need, held) for need in needed.needs]
        for outcome in await asyncio.gather(*work, return_exceptions=True):
            if outcome is not None:
                raise outcome
        given = consent.given.union(need.key for need in needed.needs)
        return replace(consent, given=given, identifier=needed.identifier)

    async def _meet_one(self, need: Need, held: AsyncExitStack) -> None:
        """Whatever becomes of the request: in the end the CSE listens where the tree says.

        Who answers a question can be told, too, what could not be told before.
        """
        if isinstance(need, Question):
            await self._notifier.ask(need)
            self._outbox.wake(effect_lane(NOTIFICATION, need.target))
        else:
            held.push_async_callback(self._memberships.settle, need.membership.identifier)
            await self._memberships.change(need)

    async def _settle(self, targets: set[str]) -> None:
        """Nobody is asked before he has been told what happened earlier, unless he can't be reached anyway."""
        lanes = [effect_lane(NOTIFICATION, target) for target in targets]
        await self._settled(
            await self._core.read(lambda work: work.transaction.effects.in_lanes(lanes)) if lanes else []
        )

    async def _settled(self, effects: Sequence[int]) -> None:
        """For most requests there is nothing to wait for, and no timer is needed."""
        if effects:
            await self._core.clock.within(PATIENCE, self._outbox.settled(effects))

    async def _lock(self, ri: str, held: AsyncExitStack) -> None:
        while ri in self._core.locked:
            await self._unlocked(ri)
        self._core.locked[ri] = asyncio.Event()
        held.callback(self._unlock, ri)

    def _unlock(self, ri: str) -> None:
        self._core.locked.pop(ri).set()

    async def _unlocked(self, ri: str) -> None:
        event = self._core.locked.get(ri)
        longest = self._core.settings.blocking_deadline
        if event is not None and not await self._core.clock.within(longest, event.wait()):
            raise RequestTimeout("the resource is locked by an UPDATE that others have to agree to: try again")
