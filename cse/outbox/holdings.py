"""Effects that are under way, in memory: not too many of them, as their documents may be large."""

import asyncio
from collections.abc import Awaitable, Callable

from cse.store import Effect

MOST_HELD = 1000  # of the others only the identifiers are in memory
PORTION = 100  # that are read again together


class Holdings:
    """The others are read again when one of them is wanted; with it come those that follow it, as they are next.

    `read` returns at most so many in the order of their identifiers, from one on; `wants` says of which of them
    something will come soon.
    """

    def __init__(self, read: Callable[[int, int], Awaitable[list[Effect]]], wants: Callable[[int], bool]) -> None:
        self._read = read
        self._wants = wants
        self._held: dict[int, Effect] = {}
        self._reading = asyncio.Lock()

    def keep(self, effect: Effect) -> None:
        """Have it at hand, if there is room."""
        if len(self._held) < MOST_HELD:
            self._held[effect.id] = effect

    def drop(self, number: int) -> None:
        """Its time is over, or far away."""
        self._held.pop(number, None)

    async def get(self, number: int) -> Effect | None:
        """None for what is not in the store any more."""
        return self._held.get(number) or await self._again(number)

    async def _again(self, number: int) -> Effect | None:
        async with self._reading:
            if number in self._held:
                return self._held[number]
            found = await self._read(number, max(1, min(PORTION, MOST_HELD - len(self._held))))
            for effect in found:
                if self._wants(effect.id):
                    self.keep(effect)
            return found[0] if found and found[0].id == number else None
