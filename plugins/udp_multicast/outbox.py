"""Datagrams that wait for the moment they are due."""

import asyncio
import heapq
import itertools
from collections.abc import Callable

from cse.coap.target import Endpoint
from cse.timing import Clock

# Datagrams that are due within this many seconds go out together.
TICK = 0.005


class Outbox:
    """Sends each datagram at its time; `send` gets the datagram, its source address and its destination."""

    def __init__(self, clock: Clock, send: Callable[[bytes, str, Endpoint], None]) -> None:
        self._clock = clock
        self._send = send
        self._ties = itertools.count()
        self._waiting: list[tuple[float, int, bytes, str, Endpoint]] = []
        self._added = asyncio.Event()

    def put(self, due: float, datagram: bytes, sender: str, destination: Endpoint) -> None:
        """Send it at `due`, in seconds since 1970."""
        heapq.heappush(self._waiting, (due, next(self._ties), datagram, sender, destination))
        self._added.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            self._added.clear()
            now = self._clock.now()
            while self._waiting and self._waiting[0][0] <= now:
                _, _, datagram, sender, destination = heapq.heappop(self._waiting)
                self._send(datagram, sender, destination)
            if self._waiting:
                await self._clock.within(max(TICK, self._waiting[0][0] - now), self._added.wait())
            else:
                await self._added.wait()
