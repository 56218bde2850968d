"""How cost grows with the tree: retrieve and create in stores of several sizes, all over the tree and in one place."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

from benchmarks.figures import Measured, Row
from benchmarks.filling import containers, fill
from benchmarks.load import NUMBER, Requests, Scattered
from benchmarks.scenarios.base import Bench, Part, Scenario
from benchmarks.subject import ADMINISTRATOR, INSTANCE, READING, Subject

INSTANCES = 9  # in each container, so that a tenth of the resources are containers
PLACES = ("all over", "in one")


class Growth(Scenario):
    """One size after another, each with a server of its own."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._servers: dict[int, Subject] = {}

    async def prepare(self, stack: AsyncExitStack) -> None:
        for size in self.size.growth:
            folder = self.bench.new_folder()
            await fill(folder, containers(_containers(size), INSTANCES))
            self._servers[size] = await self.bench.server(stack, folder)

    def parts(self) -> Sequence[Part]:
        return [partial(self._measure, size, where) for size in self._servers for where in PLACES]

    async def _measure(self, size: int, where: str) -> dict[Row, Measured]:
        subject = self._servers[size]
        found = {}
        for name, requests in _requests(subject, _containers(size) if where == PLACES[0] else 1).items():
            row = Row(f"{name}, {size:,} resources, {where}", "requests/s")
            found[row] = await self.bench.load(subject, [requests])
        return found


def _containers(size: int) -> int:
    return max(size // (1 + INSTANCES), 1)


def _requests(subject: Subject, count: int) -> dict[str, Requests]:
    """To one of the first so many containers, another one with each request."""
    path = f"{subject.base}/readings-{NUMBER}"
    retrieval = subject.request("GET", path, originator=ADMINISTRATOR)
    creation = subject.creation(path, INSTANCE, READING, originator=ADMINISTRATOR)
    return {"retrieve": Scattered(retrieval, count), "create": Scattered(creation, count)}
