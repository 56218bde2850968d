"""Carries out the effects that units of work have left behind, after their commit and again after a restart.

Several processes may do so together: each claims what it carries out.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from functools import partial

from cse.core import Core, T
from cse.outbox.holdings import Holdings
from cse.outbox.outlet import Outlet
from cse.outbox.removals import Removals
from cse.outbox.surplus import drop_surplus, make_room
from cse.outbox.waiters import Waiters
from cse.slices import batches
from cse.store import Effect
from cse.work import Work

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds after which a store or a handler that has failed is tried again
LOOK = 0.25  # seconds between two looks whether another process has carried something out
NEWS = 1.0  # seconds between two looks for effects that other processes have left
ATTEMPTS = 3  # at an effect whose handler fails
MOST_OTHERS = 100_000  # effects under way beside those that can be dropped
MOST_CLAIMED = 500  # together
MOST_DROPPED = 100  # together

Handler = Callable[[Effect], Awaitable[None]]
Discard = Callable[[Work, Effect], None]
Unit = Callable[[Work], T]


class Postponed(Exception):
    """A handler raises it: the effect, and with it its lane, is to be carried out again after some seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not before {seconds:g} seconds have passed")
        self.seconds = seconds


class Outbox:
    """One handler per kind of effect; effects with the same `lane` are carried out one after another, in order.

    `kinds` says which kinds this process carries out, nothing for all. Where too many wait, the oldest of the kinds in
    `discards` are dropped; what is there is called in the unit of work that removes them.
    """

    def __init__(
        self,
        core: Core,
        handlers: Mapping[str, Handler],
        kinds: Callable[[], Collection[str]] = tuple,
        discards: Mapping[str, Discard] | None = None,
    ) -> None:
        self._core = core
        self._handlers = handlers
        self._kinds = kinds
        self._discards = discards or {}
        self._outlets: dict[str, Outlet] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._under_way: dict[int, Outlet] = {}
        self._holdings = Holdings(self._read, self._is_near)
        self._failures: Counter[int] = Counter()
        self._waiters = Waiters()
        self._removals = Removals(self._strike)
        self._is_full = False

    async def run(self) -> None:
        """Pick up what is there, then whatever comes, for ever."""
        removing = asyncio.create_task(self._removals.run(), name="removals of the outbox")
        try:
            while True:
                self._core.effects_added.clear()
                room = self._room()
                effects = await self._claim(room) if room else []
                outlets = {self._take(effect) for effect in effects}
                await self._limit(outlets)
                if not room or len(effects) < room:
                    await self._more()
        finally:
            tasks = [removing, *self._workers]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._strike_the_last()

    async def settled(self, effects: Iterable[int]) -> None:
        """Return when all of these have been carried out, by whatever process, or put off just now.

        What had been put off is tried at once.
        """
        with self._waiters.enter(effects) as waiter:
            for number in waiter.left:
                self._hasten(number)
            while waiter.left:
                waiter.told(await self._gone(waiter.left))
                if await self._core.clock.within(LOOK, waiter.over.wait()):
                    break

    def wake(self, lane: str) -> None:
        """If this lane has been put off, try again at once."""
        if lane in self._outlets:
            self._outlets[lane].wake()

    def counts(self) -> dict[str, int]:
        """Effects under way of each kind that can be dropped."""
        counts = dict.fromkeys(self._discards, 0)
        for outlet in self._droppable():
            counts[outlet.kind] += len(outlet.waiting)
        return counts

    async def _more(self) -> None:
        """Until there may be something to claim."""
        added = self._core.effects_added.wait()
        if self._core.store.company.is_shared:
            await self._core.clock.within(NEWS, added)
        else:
            await added

    def _room(self) -> int:
        """How many may be claimed now."""
        room = self._core.settings.max_notifications + MOST_OTHERS - len(self._under_way)
        self._is_full = room <= 0
        return max(0, min(MOST_CLAIMED, room))

    async def _claim(self, most: int) -> list[Effect]:
        kinds = self._kinds()
        return await self._surely(self._core.run, lambda work: work.transaction.effects.claim(most, kinds=kinds))

    def _take(self, effect: Effect) -> Outlet:
        outlet = self._outlets.get(effect.lane) or self._open(effect)
        outlet.waiting.append(effect.id)
        self._under_way[effect.id] = outlet
        self._holdings.keep(effect)
        if effect.id in self._waiters:
            outlet.wake()
        return outlet

    def _open(self, effect: Effect) -> Outlet:
        outlet = self._outlets[effect.lane] = Outlet(effect.kind, self._core.clock, self._carry_out)
        worker = asyncio.create_task(self._work(effect.lane, outlet), name=f"lane {effect.lane}")
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)
        return outlet

    async def _work(self, lane: str, outlet: Outlet) -> None:
        try:
            await outlet.run()
        finally:
            del self._outlets[lane]

    async def _carry_out(self, number: int) -> float | None:
        """Seconds after which it is to be tried again, None if that is not necessary."""
        effect = await self._holdings.get(number)
        pause = None if effect is None else await self._attempt(effect)
        if pause is None:
            self._holdings.drop(number)
            self._removals.add(number)
        else:
            self._put_off(self._under_way[number])
        return pause

    async def _strike(self, numbers: list[int]) -> None:
        await self._surely(self._core.run, lambda work: work.transaction.effects.remove(numbers))
        for number in numbers:
            self._over(number)

    async def _strike_the_last(self) -> None:
        """Try it once at the end: what fails here is carried out again after the next start."""
        numbers = list(self._removals.waiting)
        try:
            if numbers:
                await self._core.run(lambda work: work.transaction.effects.remove(numbers))
        except Exception:
            log.exception("what the outbox has carried out last can't be struck off")

    async def _read(self, first: int, most: int) -> list[Effect]:
        return await self._surely(
            self._core.read, lambda work: work.transaction.effects.pending(after=first - 1, limit=most)
        )

    def _is_near(self, number: int) -> bool:
        """Whether something is carried out here soon: its lane is not put off."""
        outlet = self._under_way.get(number)
        return outlet is not None and not outlet.is_asleep

    async def _attempt(self, effect: Effect) -> float | None:
        try:
            await self._handlers[effect.kind](effect)
        except Postponed as postponed:
            return postponed.seconds
        except Exception:
            return self._failed(effect)
        return None

    def _failed(self, effect: Effect) -> float | None:
        """It may have been the store that failed; an effect that always fails must not keep others waiting."""
        self._failures[effect.id] += 1
        ends = self._failures[effect.id] >= ATTEMPTS
        log.exception("effect %s %d failed, %s", effect.kind, effect.id, "for good" if ends else "and is tried again")
        return None if ends else PAUSE

    def _put_off(self, outlet: Outlet) -> None:
        for number in outlet.waiting:
            self._holdings.drop(number)
        for number in self._waiters:
            if self._under_way.get(number) is outlet:
                self._waiters.tell(number)

    def _over(self, number: int) -> None:
        del self._under_way[number]
        self._holdings.drop(number)
        self._failures.pop(number, None)
        self._waiters.tell(number)
        if self._is_full:
            self._core.effects_added.set()

    def _hasten(self, number: int) -> None:
        if number in self._under_way:
            self._under_way[number].wake()

    async def _gone(self, effects: Collection[int]) -> set[int]:
        """Which of these are not under way here, and have been carried out."""
        others = [number for number in effects if number not in self._under_way]
        if not others:
            return set()
        left = await self._core.read(lambda work: work.transaction.effects.present(others))
        return {number for number in others if number not in self._under_way}.difference(left)

    def _droppable(self) -> list[Outlet]:
        return [outlet for outlet in self._outlets.values() if outlet.kind in self._discards]

    async def _limit(self, outlets: Iterable[Outlet]) -> None:
        """Drop what is too much, as these lanes have grown."""
        settings = self._core.settings
        touched = [outlet for outlet in outlets if outlet.kind in self._discards]
        dropped = drop_surplus(touched, settings.notification_queue)
        if len(self._under_way) - len(dropped) > settings.max_notifications:
            dropped += make_room(self._droppable(), settings.max_notifications)
        for part in batches(dropped, MOST_DROPPED):
            await self._surely(self._core.run, partial(self._discard, numbers=part))
            for number in part:
                self._over(number)

    def _discard(self, work: Work, numbers: Collection[int]) -> None:
        for effect in filter(None, [_stored(work, number) for number in numbers]):
            try:
                with work.transaction.savepoint():
                    self._discards[effect.kind](work, effect)
            except Exception:
                log.exception("what goes with effect %s %d, which is dropped, failed", effect.kind, effect.id)
        work.transaction.effects.remove(numbers)

    async def _surely(self, carry_out: Callable[[Unit[T]], Awaitable[T]], unit: Unit[T]) -> T:
        """Carry out a unit that must not fail, again until it does not."""
        while True:
            try:
                return await carry_out(unit)
            except Exception:
                log.exception("the outbox can't use the store; next attempt in %g s", PAUSE)
                await self._core.clock.sleep(PAUSE)


def _stored(work: Work, number: int) -> Effect | None:
    found = work.transaction.effects.pending(after=number - 1, limit=1)
    return found[0] if found and found[0].id == number else None
