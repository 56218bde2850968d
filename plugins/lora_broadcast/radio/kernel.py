"""Virtual time: a queue of things to do, each at an integer microsecond."""

import heapq
from collections.abc import Callable
from sys import maxsize

from plugins.lora_broadcast.airtime import SECOND

HOUR = 3600 * SECOND


class Kernel:
    """Discrete events in the order of their times; equal times in the order in which they were scheduled.

    `done` is how many have happened.
    """

    def __init__(self) -> None:
        self.now = 0
        self.done = 0
        self._ties = 0
        self._events: list[tuple[int, int, Callable[[], None]]] = []

    def at(self, time: int, action: Callable[[], None]) -> None:
        """Do this at a time, now at the earliest."""
        self._ties += 1
        heapq.heappush(self._events, (time if time > self.now else self.now, self._ties, action))

    def after(self, delay: int, action: Callable[[], None]) -> None:
        """Do this so many microseconds from now."""
        self.at(self.now + delay, action)

    def run(self, until: int, limit: int = maxsize) -> bool:
        """Let the time pass up to `until`, or for `limit` events; whether the end was reached."""
        events, pop, last = self._events, heapq.heappop, self.done + limit
        while self.done < last:
            if not events or events[0][0] > until:
                self.now = max(self.now, until)
                return True
            self.now, _tie, action = pop(events)
            self.done += 1
            action()
        return False
