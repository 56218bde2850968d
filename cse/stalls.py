"""How long the event loop was kept from its work: the one thing that is measured by its own time, not by the clock."""

import asyncio

INTERVAL = 0.005  # seconds between two looks, so that a stall is seen as up to this much shorter than it was


class Stalls:
    """Remembers the longest one."""

    def __init__(self) -> None:
        self._longest = 0.0

    def take(self) -> float:
        """Seconds of the longest stall since this was last called."""
        longest, self._longest = self._longest, 0.0
        return longest

    async def watch(self) -> None:
        """Look until cancelled. A clock that tests advance would say nothing of what the loop goes through."""
        time = asyncio.get_running_loop().time
        while True:
            due = time() + INTERVAL
            await asyncio.sleep(INTERVAL)
            self._longest = max(self._longest, time() - due)
