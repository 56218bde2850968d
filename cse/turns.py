"""So many at a time, or one at a time for each key; the others wait, in order.

It costs the same however many wait, which asyncio's semaphore does not.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from types import TracebackType


class Line:
    """Those who wait."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def turn(self, hand_on: Callable[[], None]) -> None:
        """Wait for it; who is cancelled just as it comes hands it on."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                hand_on()
            raise

    def next(self) -> bool:
        """It is the turn of the first who still waits; false if nobody does."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return True
        return False


class Slots:
    """`async with` waits for one of so many slots."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._line = Line()

    async def __aenter__(self) -> None:
        if self._free:
            self._free -= 1
        else:
            await self._line.turn(self._give)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._give()

    def _give(self) -> None:
        if not self._line.next():
            self._free += 1


class OneAtATime:
    """Who holds a key makes others with the same key wait. Nothing is kept for keys that nobody holds."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def hold(self, *keys: str) -> "Turn":
        """`async with` waits for those who came earlier."""
        return Turn(self, keys)

    async def take(self, key: str) -> None:
        """Return when nobody else has it."""
        line = self._lines.get(key)
        if line is None:
            self._lines[key] = Line()
        else:
            await line.turn(partial(self.give, key))

    def give(self, key: str) -> None:
        """To the next who waits, if anybody does."""
        if not self._lines[key].next():
            del self._lines[key]


class Turn:
    """Keys are taken in one order, so that nobody waits in a circle."""

    __slots__ = ("_all", "_held", "_keys")

    def __init__(self, one_at_a_time: OneAtATime, keys: Iterable[str]) -> None:
        self._all = one_at_a_time
        self._keys = sorted(set(keys))
        self._held: list[str] = []

    async def __aenter__(self) -> None:
        try:
            for key in self._keys:
                await self._all.take(key)
                self._held.append(key)
        except BaseException:
            self._give_back()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._give_back()

    def _give_back(self) -> None:
        while self._held:
            self._all.give(self._held.pop())
