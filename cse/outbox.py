"""Carries out the effects that units of work have left behind, after their commit and again after a restart."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial

from cse.core import Core
from cse.lanes import Lanes
from cse.store import Effect

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds after which a store that has failed is asked again
MOST_UNDER_WAY = 100_000
MOST_HELD = 1000  # effects in memory as a whole; of the others that are under way only the identifiers are
BATCH = 100

Handler = Callable[[Effect], Awaitable[None]]


class Outbox:
    """One handler per kind of effect; effects with the same `lane` are carried out one after another, in order."""

    def __init__(self, core: Core, handlers: Mapping[str, Handler]) -> None:
        self._core = core
        self._handlers = handlers
        self._lanes = Lanes(1)
        self._room = asyncio.Semaphore(MOST_UNDER_WAY)
        self._last = 0
        self._under_way: set[int] = set()
        self._waited_for: dict[int, asyncio.Event] = {}

    async def run(self) -> None:
        """Pick up what is there, then whatever comes, for ever."""
        try:
            while True:
                self._core.effects_added.clear()
                effects = await self._pending(self._last, BATCH)
                for effect in effects:
                    await self._room.acquire()
                    self._take(effect)
                if not effects:
                    await self._core.effects_added.wait()
        finally:
            await self._lanes.stop()

    async def settled(self, effects: Iterable[int]) -> None:
        """Return when all of these have been carried out."""
        for number in effects:
            while number > self._last or number in self._under_way:
                await self._waited_for.setdefault(number, asyncio.Event()).wait()

    def _take(self, effect: Effect) -> None:
        held = effect if len(self._under_way) < MOST_HELD else None
        self._under_way.add(effect.id)
        self._last = effect.id
        self._lanes.add(effect.lane, partial(self._carry_out, effect.id, held))

    async def _pending(self, after: int, limit: int) -> list[Effect]:
        while True:
            try:
                return await self._core.read(lambda work: work.transaction.effects.pending(after=after, limit=limit))
            except Exception:
                log.exception("effects could not be read; next attempt in %g s", PAUSE)
                await self._core.clock.sleep(PAUSE)

    async def _carry_out(self, number: int, held: Effect | None) -> None:
        try:
            await self._attempt(held or (await self._pending(number - 1, 1))[0])
            await self._core.run(lambda work: work.transaction.effects.remove([number]))
        except Exception:
            log.exception("effect %d could not be struck off and comes again", number)
        finally:
            self._under_way.discard(number)
            self._room.release()
            if number in self._waited_for:
                self._waited_for.pop(number).set()

    async def _attempt(self, effect: Effect) -> None:
        try:
            await self._handlers[effect.kind](effect)
        except Exception:
            log.exception("effect %s %d failed", effect.kind, effect.id)
