"""One lane of the outbox: its effects one after another, in order, with pauses when they are put off."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from cse.timing import Clock


class Outlet:
    """Hands the number of the first effect to `carry_out`, which returns after how many seconds it comes again.

    None is for never; what is behind an effect that comes again waits for it. All effects of a lane are of one `kind`.
    """

    def __init__(self, kind: str, clock: Clock, carry_out: Callable[[int], Awaitable[float | None]]) -> None:
        self.kind = kind
        self.waiting: deque[int] = deque()
        self.is_asleep = False
        self._clock = clock
        self._carry_out = carry_out
        self._alarm = asyncio.Event()

    async def run(self) -> None:
        """Until nothing is left."""
        while self.waiting:
            pause = await self._carry_out(self.waiting[0])
            if pause is None:
                self.waiting.popleft()
            else:
                await self._sleep(pause)

    def wake(self) -> None:
        """Try again now."""
        self._alarm.set()

    def drop(self, count: int) -> list[int]:
        """Take out the oldest, so many at most, but not the one that is being carried out."""
        in_hand = [] if self.is_asleep else [self.waiting.popleft()]
        dropped = [self.waiting.popleft() for _ in range(min(count, len(self.waiting)))]
        self.waiting.extendleft(in_hand)
        return dropped

    async def _sleep(self, seconds: float) -> None:
        self._alarm.clear()
        self.is_asleep = True
        try:
            await self._clock.within(seconds, self._alarm.wait())
        finally:
            self.is_asleep = False
