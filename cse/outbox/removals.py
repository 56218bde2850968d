"""Effects that have been carried out and are to be struck off: many in one unit of work."""

import asyncio
from collections.abc import Awaitable, Callable


class Removals:
    """What comes while a unit is under way goes into the next one, so that nobody who adds something has to wait.

    Until it is struck off, something would be carried out again after a crash, together with what came after it.
    `strike` returns when all of these are struck off.
    """

    def __init__(self, strike: Callable[[list[int]], Awaitable[None]]) -> None:
        self._strike = strike
        self.waiting: list[int] = []
        self._added = asyncio.Event()

    def add(self, number: int) -> None:
        """It has been carried out."""
        self.waiting.append(number)
        self._added.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._added.wait()
            self._added.clear()
            numbers = list(self.waiting)
            await self._strike(numbers)
            del self.waiting[: len(numbers)]
