"""One at a time for each key: who holds a key makes others with the same key wait, in order."""

import asyncio
from collections import deque
from collections.abc import Iterable
from types import TracebackType


class OneAtATime:
    """Nothing is kept for keys that nobody holds."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def hold(self, *keys: str) -> "Turn":
        """`async with` waits for those who came earlier."""
        return Turn(self, keys)

    async def take(self, key: str) -> None:
        """Return when nobody else has it."""
        queue = self._waiting.get(key)
        if queue is None:
            self._waiting[key] = deque()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.give(key)
            raise

    def give(self, key: str) -> None:
        """To the next who waits, if anybody does."""
        queue = self._waiting[key]
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[key]


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
