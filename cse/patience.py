"""Ends what takes too long: one timer for all that wait, however many they are."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Hashable

from cse.timing import Clock

TICK = 0.005  # seconds: what ends within them ends together


class _Limit:
    """Cancels the task that has made it when the time is over."""

    __slots__ = ("_before", "_is_reached", "_task")

    def __init__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be ended")
        self._task = task
        self._before = task.cancelling()
        self._is_reached = False

    def expire(self) -> None:
        self._is_reached = True
        self._task.cancel()

    def over(self) -> bool:
        """Whether the task was cancelled by this and by nobody else; its cancellation is taken back."""
        return self._is_reached and self._task.uncancel() <= self._before


class Patience:
    """Keeps until when each may go on. What is held must be dropped, unless its time has come."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[Hashable, tuple[float, Callable[[], object]]] = {}
        self._looks_at = math.inf
        self._earlier = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def hold(self, key: Hashable, until: float, expire: Callable[[], object]) -> None:
        """Call `expire` at this moment (seconds since 1970), unless the key is dropped or held anew before."""
        self._held[key] = until, expire
        if until < self._looks_at:
            self._look_earlier(until)

    def drop(self, key: Hashable) -> None:
        """It has ended by itself."""
        self._held.pop(key, None)

    async def within(self, seconds: float, work: Awaitable[object]) -> bool:
        """As `Clock.within`, in the caller's task."""
        limit = _Limit()
        self.hold(limit, self._clock.now() + seconds, limit.expire)
        try:
            await work
        except asyncio.CancelledError:
            if not limit.over():
                raise
            return False
        finally:
            self.drop(limit)
        limit.over()
        return True

    async def close(self) -> None:
        """Nothing expires any more."""
        self._held.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _look_earlier(self, moment: float) -> None:
        self._looks_at = moment
        self._earlier.set()
        if self._task is None:
            self._task = asyncio.create_task(self._watch(), name="patience")

    async def _watch(self) -> None:
        """As long as something is held. What was the earliest has often ended by itself when its moment comes."""
        while self._held:
            self._looks_at = max(min(until for until, _ in self._held.values()), self._clock.now() + TICK)
            self._earlier.clear()
            await self._clock.within(self._looks_at - self._clock.now(), self._earlier.wait())
            self._expire(self._clock.now())
        self._looks_at, self._task = math.inf, None

    def _expire(self, now: float) -> None:
        over = [(key, expire) for key, (until, expire) in self._held.items() if until <= now]
        for key, expire in over:
            del self._held[key]
            expire()
