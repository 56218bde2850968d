"""One timer for deadlines that move with every request: setting one costs no more than a look at the time."""

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls `passed` when the deadline passes, which is then gone. None may be set for less than `shortest` seconds.

    So the timer, which looks that often, is never late; it is stopped with the connection.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, shortest: float, passed: Callable[[], None]) -> None:
        self._loop = loop
        self._shortest = shortest
        self._passed = passed
        self._moment: float | None = None
        self._timer = loop.call_later(shortest, self._look)

    def set(self, seconds: float) -> None:
        """So many seconds from now on, whatever was set before."""
        self._moment = self._loop.time() + seconds

    def clear(self) -> None:
        """There is nothing to wait for."""
        self._moment = None

    def stop(self) -> None:
        """For good."""
        self._timer.cancel()

    def _look(self) -> None:
        remaining = self._shortest if self._moment is None else self._moment - self._loop.time()
        self._timer = self._loop.call_later(min(max(remaining, 0.0) or self._shortest, self._shortest), self._look)
        if remaining <= 0:
            self._moment = None
            self._passed()
