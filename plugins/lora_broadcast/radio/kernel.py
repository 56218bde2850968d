"""Virtual time: a queue of things to do, each at an integer microsecond."""

import heapq
import itertools
from collections.abc import Callable

from plugins.lora_broadcast.airtime import SECOND

HOUR = 3600 * SECOND


class Kernel:
    """Discrete events in the order of their times; equal times in the order in which they were scheduled."""

    def __init__(self) -> None:
        self.now = 0
        self._ties = itertools.count()
        self._events: list[tuple[int, int, Callable[[], None]]] = []

    def at(self, time: int, action: Callable[[], None]) -> None:
        """Do this at a time, now at the earliest."""
        heapq.heappush(self._events, (max(time, self.now), next(self._ties), action))

    def after(self, delay: int, action: Callable[[], None]) -> None:
        """Do this so many microseconds from now."""
        self.at(self.now + delay, action)

    def run(self, until: int, limit: int | None = None) -> bool:
        """Let the time pass up to `until`, or for `limit` events; whether the end was reached."""
        for _ in itertools.count() if limit is None else range(limit):
            if not self._events or self._events[0][0] > until:
                self.now = max(self.now, until)
                return True
            self.now, _tie, action = heapq.heappop(self._events)
            action()
        return False
