"""A clock that stands still until a test moves it."""

import asyncio
import heapq
import itertools

from cse.timing import Clock


class ManualClock(Clock):
    """`await clock.advance(seconds)` wakes every sleeper that is due, in order, and lets what they started run."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start
        self._ties = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._ties), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Move the time on, stopping at every moment at which somebody wakes up."""
        end = self._now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            if not future.done():
                future.set_result(None)
            await settle()
        self._now = end


async def settle(pause: float = 0.002, rounds: int = 10) -> None:
    """Let tasks, threads and sockets that are under way get on (real time: a few milliseconds)."""
    for _ in range(rounds):
        await asyncio.sleep(0)
    await asyncio.sleep(pause)
