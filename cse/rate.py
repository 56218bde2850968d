"""A token bucket: so many things per second, and only few of them at once."""

import asyncio

from cse.timing import Clock

BURST = 0.1  # seconds whose tokens may have been saved up; at least one token
SHORTEST = 0.001  # seconds to wait: clocks do not go in arbitrarily small steps


class TokenBucket:
    """`rate` tokens come in per second, 0 for as many as are wanted. Those who wait get theirs in order."""

    def __init__(self, clock: Clock, rate: float) -> None:
        self._clock = clock
        self._rate = rate
        self._most = max(1.0, rate * BURST)
        self._tokens = self._most
        self._filled_at = clock.now()
        self._turn = asyncio.Lock()

    async def take(self) -> None:
        """Return when there is a token, which is then gone."""
        if not self._rate:
            return
        async with self._turn:
            self._fill()
            while self._tokens < 1:
                await self._clock.sleep(max(SHORTEST, (1 - self._tokens) / self._rate))
                self._fill()
            self._tokens -= 1

    def charge(self, tokens: int) -> None:
        """So many more are gone, even if there are none left: those who take wait the longer for it."""
        if self._rate:
            self._fill()
            self._tokens -= tokens

    def _fill(self) -> None:
        now = self._clock.now()
        came = max(0.0, now - self._filled_at) * self._rate
        self._tokens = min(self._most, self._tokens + came)
        self._filled_at = now
