"""Notifications by subscription over HTTP connections that are kept."""

import asyncio
import time
from contextlib import AsyncExitStack

from benchmarks import servers
from benchmarks.driver import for_each, load
from benchmarks.figures import Goal, Measured, Row
from benchmarks.load import Address, LoadError, Requests, once
from benchmarks.scenarios.base import USUAL, AtOnce
from benchmarks.subject import CONTAINER, INSTANCE, READING, SUBSCRIPTION
from benchmarks.watching import Stopwatch

CONTAINERS = 100  # each with a subscriber of its own
POLL_PAUSE, PATIENCE = 0.02, 60.0  # seconds
CREATION = 3  # notificationEventType: create of a direct child


class Notifications(AtOnce):
    """Instances are created as fast as they are taken in, until the last notification of them has arrived."""

    portable = True

    async def prepare(self, stack: AsyncExitStack) -> None:
        subject = self._subject = await self.bench.subject()
        self._sink = await stack.enter_async_context(servers.sink())
        parent = f"{subject.home}/notifying"
        await subject.create(subject.home, CONTAINER, {"m2m:cnt": {"rn": "notifying"}})
        paths = [f"{parent}/container-{number}" for number in range(min(CONTAINERS, self.size.members))]
        names = [path.rpartition("/")[2] for path in paths]
        made = [subject.creation(parent, CONTAINER, {"m2m:cnt": {"rn": name, "mni": 1000}}) for name in names]
        await for_each(subject.address, made)
        await for_each(subject.address, [self._subscription(path) for path in paths])
        self._creations = [subject.creation(path, INSTANCE, READING) for path in paths]

    def _subscription(self, path: str) -> Requests:
        target = "http://{}:{}{}".format(*self._sink, path)
        subscription = {"rn": "subscription", "nu": [target], "enc": {"net": [CREATION]}, "nct": 1}
        return self._subject.creation(path, SUBSCRIPTION, {"m2m:sub": subscription})

    async def measure(self) -> dict[Row, Measured]:
        before = await received(self._sink)
        watch = Stopwatch(self._subject.process)
        sent = (await load(self._subject.address, self._creations, USUAL, self.size.seconds)).sent
        await _all_arrived(self._sink, before + sent)
        row = Row("notifications over kept HTTP connections", "per s", (Goal("value", ">=", 4000),))
        return {row: Measured(sent / watch.seconds(), cpu=watch.microseconds_of_cpu(sent))}


async def received(sink: Address) -> int:
    """POSTs that the sink has got so far."""
    return int(await once(sink, Requests("GET", "/", "")))


async def _all_arrived(sink: Address, expected: int) -> None:
    end = time.monotonic() + PATIENCE
    while (arrived := await received(sink)) < expected:
        if time.monotonic() > end:
            raise LoadError(f"of {expected} notifications only {arrived} have arrived")
        await asyncio.sleep(POLL_PAUSE)
