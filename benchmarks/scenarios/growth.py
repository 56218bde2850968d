"""How cost grows with the tree: retrieve and create in stores of several sizes, all over the tree and in one place."""

import random
from collections.abc import Sequence
from contextlib import AsyncExitStack

from benchmarks.figures import Measured, Row
from benchmarks.filling import containers, fill
from benchmarks.load import Requests
from benchmarks.scenarios.base import Bench, Scenario
from benchmarks.subject import ADMINISTRATOR, INSTANCE, READING, Subject

INSTANCES = 9  # in each container, so that a tenth of the resources are containers
DIFFERENT = 20_000  # requests that are made in advance, of which each is for a container at random
SEED = 6


class Growth(Scenario):
    """One size after another, each with a server of its own that stays cold until it is its turn."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._servers: dict[int, Subject] = {}

    async def prepare(self, stack: AsyncExitStack) -> None:
        for size in self.size.growth:
            folder = self.bench.new_folder()
            await fill(folder, containers(_containers(size), INSTANCES))
            self._servers[size] = await self.bench.server(stack, folder)

    async def measure(self) -> dict[Row, Measured]:
        found = {}
        for size, subject in self._servers.items():
            at_random = random.Random(SEED)
            paths = [f"{subject.base}/readings-{number}" for number in range(_containers(size))]
            scattered = at_random.choices(paths, k=min(DIFFERENT, 10 * len(paths)))
            for where, chosen in (("all over", scattered), ("in one", paths[:1])):
                for name, requests in _requests(subject, chosen).items():
                    row = Row(f"{name}, {size:,} resources, {where}", "requests/s")
                    found[row] = await self.bench.load(subject, requests)
        return found


def _containers(size: int) -> int:
    return max(size // (1 + INSTANCES), 1)


def _requests(subject: Subject, paths: Sequence[str]) -> dict[str, list[Requests]]:
    return {
        "retrieve": [subject.request("GET", path, originator=ADMINISTRATOR) for path in paths],
        "create": [subject.creation(path, INSTANCE, READING, originator=ADMINISTRATOR) for path in paths],
    }
