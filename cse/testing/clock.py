"""A clock that stands still until a test moves it."""

import asyncio
import heapq
import itertools
import math

from cse.timing import Clock


class ManualClock(Clock):
    """`await clock.advance(seconds)` wakes every sleeper that is due, in order, and lets what they started run.

    Those that are due at the same moment wake together, in the order in which they fell asleep.
    """

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
        if seconds < 0:
            raise ValueError(f"time does not run backwards: {seconds} seconds")
        end = self._now + seconds
        await settle()
        while self._next_moment() <= end:
            self._now = max(self._now, self._next_moment())
            while self._next_moment() <= self._now:
                heapq.heappop(self._sleepers)[2].set_result(None)
            await settle()
        self._now = end

    def _next_moment(self) -> float:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else math.inf


async def settle(pause: float = 0.002, rounds: int = 10) -> None:
    """Let tasks, threads and sockets that are under way get on (real time: a few milliseconds)."""
    for _ in range(rounds):
        await asyncio.sleep(0)
    await asyncio.sleep(pause)
