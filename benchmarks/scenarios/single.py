"""Single requests beside empty ones."""

from contextlib import AsyncExitStack

from benchmarks import servers
from benchmarks.figures import Goal, Measured, Row
from benchmarks.scenarios.base import MANY, USUAL, AtOnce
from benchmarks.subject import CONTAINER, INSTANCE, READING

UNIT = "requests/s"


class Reference(AtOnce):
    """What everything is divided by, and what it costs without Starlette."""

    portable = True

    async def prepare(self, stack: AsyncExitStack) -> None:
        self._bare = await stack.enter_async_context(servers.reference("--bare"))

    async def measure(self) -> dict[Row, Measured]:
        programs = {
            "reference: bare Starlette POST": (self.bench.reference, USUAL),
            f"reference at {MANY} connections": (self.bench.reference, MANY),
            "info: bare ASGI POST": (self._bare, USUAL),
        }
        return {
            Row(name, UNIT): await self.bench.bare(program, connections)
            for name, (program, connections) in programs.items()
        }


class _ToContainer(AtOnce):
    """Of a container with one instance at first."""

    portable = True

    async def prepare(self, stack: AsyncExitStack) -> None:
        self.subject = await self.bench.subject()
        name = type(self).__name__.lower()
        self.path = f"{self.subject.home}/{name}"
        await self.subject.create(self.subject.home, CONTAINER, {"m2m:cnt": {"rn": name}})
        await self.subject.create(self.path, INSTANCE, READING)


class Retrieve(_ToContainer):
    """RETRIEVE of a container."""

    async def measure(self) -> dict[Row, Measured]:
        row = Row("retrieve a container", UNIT, (Goal("ratio", ">=", 0.80),))
        return {row: await self.bench.load(self.subject, [self.subject.retrieval(self.path)])}


class RetrieveLatest(_ToContainer):
    """RETRIEVE of its latest instance."""

    async def measure(self) -> dict[Row, Measured]:
        row = Row("retrieve `la`", UNIT, (Goal("ratio", ">=", 0.70),))
        return {row: await self.bench.load(self.subject, [self.subject.retrieval(f"{self.path}/la")])}


class Create(_ToContainer):
    """CREATE of instances in it."""

    row = Row("create contentInstance", UNIT, (Goal("ratio", ">=", 0.40), Goal("p99", "<", 15)))

    async def measure(self) -> dict[Row, Measured]:
        creation = self.subject.creation(self.path, INSTANCE, READING)
        return {self.row: await self.bench.load(self.subject, [creation], self.connections)}


class CreateByMany(Create):
    """The same by more connections."""

    connections = MANY
    row = Row(f"create contentInstance, {MANY} connections", UNIT, (Goal("ratio", ">=", 0.55),))
