"""Creations as units of work, without HTTP, at a rate that does not wait for them; with containers that limit them."""

import asyncio
import time
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from benchmarks.subject import ADMINISTRATOR, CONTAINER, INSTANCE, READING
from benchmarks.watching import distribution
from cse import registry
from cse.config import ServerSettings
from cse.core import Core
from cse.primitive import Operation, Request
from cse.store import Store
from cse.store.opening import open_store
from cse.timing import SystemClock
from cse.tree.operations import perform

BASE = "cse-in"
PAUSE = 0.01  # seconds between two reads
PORTION = 20  # creations that are begun at once
PATIENCE = 60.0  # seconds for what could not be carried out as fast as it was offered


class Offered(NamedTuple):
    """Creations per second, and in words: how long they took, and how long reading a container took meanwhile."""

    rate: float
    creations: str
    reads: str


async def offer(folder: Path, limits: Mapping[str, Mapping[str, int]], rate: int, seconds: float) -> Offered:
    """Create so many instances per second, in turn in a container with each of these limits, in the store there."""
    store = open_store(f"sqlite:///{folder}/cse.sqlite", folder)
    await store.open()
    try:
        return await _Load(store).offer(limits, rate, seconds)
    finally:
        await store.close()


class _Load:
    def __init__(self, store: Store) -> None:
        model = registry.model(registry.load_plugins(), ServerSettings())
        self._core = Core(model, store, SystemClock(), {})
        self._creations: list[float] = []
        self._reads: list[float] = []

    async def offer(self, limits: Mapping[str, Mapping[str, int]], rate: int, seconds: float) -> Offered:
        for name, limit in limits.items():
            await self._create(BASE, CONTAINER, {"m2m:cnt": {"rn": f"offered-{name}", **limit}})
        self._creations.clear()
        parents = cycle([f"{BASE}/offered-{name}" for name in limits])
        count = int(rate * seconds)
        begin = time.perf_counter()
        reading = asyncio.create_task(self._read(f"{BASE}/offered-{next(iter(limits))}"))
        async with asyncio.timeout(seconds + PATIENCE), asyncio.TaskGroup() as tasks:
            for number in range(0, count, PORTION):
                for _ in range(PORTION):
                    tasks.create_task(self._create(next(parents), INSTANCE, READING))
                await asyncio.sleep(max(0.0, begin + (number + PORTION) / rate - time.perf_counter()))
        took = time.perf_counter() - begin
        reading.cancel()
        return Offered(count / took, distribution(self._creations), distribution(self._reads))

    async def _create(self, parent: str, ty: int, content: dict[str, object]) -> None:
        request = Request(Operation.CREATE, parent, ADMINISTRATOR, "offered", ty, content)
        begin = time.perf_counter()
        await self._core.run(lambda work: perform(work, request))
        self._creations.append(1000 * (time.perf_counter() - begin))

    async def _read(self, path: str) -> None:
        request = Request(Operation.RETRIEVE, path, ADMINISTRATOR, "read")
        while True:
            begin = time.perf_counter()
            await self._core.read(lambda work: perform(work, request))
            self._reads.append(1000 * (time.perf_counter() - begin))
            await asyncio.sleep(PAUSE)
