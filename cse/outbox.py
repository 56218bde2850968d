"""Carries out the effects that units of work have left behind, after their commit and again after a restart."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from cse.core import Core
from cse.lanes import Lanes
from cse.store import Effect

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds after which a store that has failed is asked again
MOST_UNDER_WAY = 1000
BATCH = 100

Handler = Callable[[Effect], Awaitable[None]]


class Outbox:
    """One handler per kind of effect; effects with the same `lane` are carried out one after another, in order."""

    def __init__(self, core: Core, handlers: Mapping[str, Handler], lane: Callable[[Effect], str]) -> None:
        self._core = core
        self._handlers = handlers
        self._lane = lane
        self._lanes = Lanes(1)
        self._parallel = asyncio.Semaphore(core.settings.parallel_notifications)
        self._room = asyncio.Semaphore(MOST_UNDER_WAY)

    async def run(self) -> None:
        """Pick up what is there, then whatever comes, for ever."""
        last = 0
        try:
            while True:
                self._core.effects_added.clear()
                effects = await self._pending(last)
                for effect in effects:
                    await self._room.acquire()
                    self._lanes.add(self._lane(effect), lambda effect=effect: self._carry_out(effect))  # type: ignore[misc]
                    last = effect.id
                if not effects:
                    await self._core.effects_added.wait()
        finally:
            await self._lanes.stop()

    async def _pending(self, last: int) -> list[Effect]:
        while True:
            try:
                return await self._core.read(lambda work: work.transaction.effects.pending(after=last, limit=BATCH))
            except Exception:
                log.exception("effects could not be read; next attempt in %g s", PAUSE)
                await self._core.clock.sleep(PAUSE)

    async def _carry_out(self, effect: Effect) -> None:
        try:
            async with self._parallel:
                await self._attempt(effect)
            await self._core.run(lambda work: work.transaction.effects.remove([effect.id]))
        except Exception:
            log.exception("effect %s %d could not be struck off and comes again", effect.kind, effect.id)
        finally:
            self._room.release()

    async def _attempt(self, effect: Effect) -> None:
        try:
            await self._handlers[effect.kind](effect)
        except Exception:
            log.exception("effect %s %d failed", effect.kind, effect.id)
