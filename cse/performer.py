"""Carries out one request on the tree, and what has to happen before and after it outside its unit of work."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from cse.consent import NO_CONSENT, Consent, ConsentNeeded, ResourceLocked
from cse.core import Core
from cse.errors import RequestTimeout
from cse.notify import Notifier
from cse.outbox import Outbox
from cse.primitive import Operation, Request, Response
from cse.tree.operations import perform
from cse.work import Work

MOST_ROUNDS = 10
PATIENCE = 1.0  # seconds that an answer or a question waits for notifications that should be there before it

Then = Callable[[Work, Response], None]


class Performer:
    """Reads where reading suffices; asks others where they have to agree; lets one ask at a time about a resource."""

    def __init__(self, core: Core, notifier: Notifier, outbox: Outbox) -> None:
        self._core = core
        self._notifier = notifier
        self._outbox = outbox

    async def perform(self, request: Request, then: Then | None = None) -> Response:
        """The response of the operation; raises CSEError. `then` runs in the same unit of work."""
        if request.operation is Operation.RETRIEVE and then is None:
            return await self._core.consult(lambda work: perform(work, request))
        async with AsyncExitStack() as held:
            return await self._with_consent(request, then, held)

    async def _with_consent(self, request: Request, then: Then | None, held: AsyncExitStack) -> Response:
        consent = NO_CONSENT
        for _ in range(MOST_ROUNDS):
            try:
                return await self._once(request, then, consent)
            except ResourceLocked as locked:
                await self._unlocked(locked.ri)
            except ConsentNeeded as needed:
                if needed.locks != consent.locks:
                    await self._lock(needed.locks, held)
                    consent = replace(consent, locks=needed.locks)
                else:
                    consent = await self._ask(needed, consent)
        raise RequestTimeout("what others had to agree to changed again and again: try it later")

    async def _once(self, request: Request, then: Then | None, consent: Consent) -> Response:
        awaited: list[int] = []

        def unit(work: Work) -> Response:
            work.consent = consent
            response = perform(work, request)
            if then is not None:
                then(work, response)
            awaited[:] = work.awaited
            return response

        response = await self._core.run(unit)
        await self._settled(awaited)
        return response

    async def _ask(self, needed: ConsentNeeded, consent: Consent) -> Consent:
        """All at the same time; the first that says no decides."""
        await self._settle({question.target for question in needed.questions})
        outcomes = await asyncio.gather(*map(self._notifier.ask, needed.questions), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        given = consent.given.union(question.key for question in needed.questions)
        return replace(consent, given=given, identifier=needed.identifier)

    async def _settle(self, targets: set[str]) -> None:
        """Nobody is asked before he has been told what happened earlier."""
        effects = await self._core.read(lambda work: work.transaction.effects.pending())
        await self._settled([effect.id for effect in effects if effect.document.get("target") in targets])

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
