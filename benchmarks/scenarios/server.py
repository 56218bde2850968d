"""The server itself: what it keeps in memory, how soon it is there, how long it plans."""

import statistics
import time
from contextlib import AsyncExitStack

from benchmarks import servers
from benchmarks.driver import for_each
from benchmarks.elsewhere import in_fresh_process
from benchmarks.figures import Goal, Measured, Row
from benchmarks.filling import meter
from benchmarks.load import LoadError, Requests
from benchmarks.planning import plan
from benchmarks.scenarios.base import AtOnce
from benchmarks.subject import ADMINISTRATOR, AE, CONTAINER, GROUP, INSTANCE, READING, Subject
from benchmarks.watching import Stopwatch, cpu, longest_stall, resident

PLANS = 3  # in the process that plans; their medians count
INSTANCES = 5  # in each container


class Plan(AtOnce):
    """For very many members: the choice alone, in a process of its own as the server makes it."""

    async def prepare(self, stack: AsyncExitStack) -> None:
        """Nothing is shared between two measurements."""

    async def measure(self) -> dict[Row, Measured]:
        members = self.size.large
        found = await in_fresh_process(_plans, members)
        return {
            Row(f"plan for {members:,} members, 8 offers", "ms", (Goal("value", "<", 150),)): Measured(found[0]),
            Row("... longest stall of the loop meanwhile", "ms", (Goal("value", "<=", 20),)): Measured(found[1]),
        }


def _plans(members: int) -> tuple[float, float]:
    planned = [plan(members) for _ in range(PLANS)]
    return 1000 * statistics.median(each.seconds for each in planned), 1000 * max(each.stall for each in planned)


class WholePlan(AtOnce):
    """What the operator asks for: members read and checked, offers of our networks, the choice, and the document."""

    async def prepare(self, stack: AsyncExitStack) -> None:
        self._subject = await self.bench.server(stack, await self.bench.many_meters())
        members = [meter(number) for number in range(self.size.large)]
        mid = [f"{self._subject.base[1:]}/{name}" for name in members]
        group = {"m2m:grp": {"rn": "all", "mt": AE, "mnm": len(mid), "mid": mid}}
        creation = self._subject.creation(f"{self._subject.base}?rcn=0", GROUP, group, originator=ADMINISTRATOR)
        await self._subject.once(creation)

    async def measure(self) -> dict[Row, Measured]:
        address, members = self._subject.address, self.size.large
        question = Requests("POST", "/.cse/plan", ADMINISTRATOR, {"group": f"{self._subject.base[1:]}/all"})
        await longest_stall(address, ADMINISTRATOR)
        watch = Stopwatch(self._subject.process)
        answer = await self._subject.once(question)
        found = Measured(1000 * watch.seconds(), cpu=watch.microseconds_of_cpu())
        planned = sum(signature["members"] for signature in answer["signatures"])
        if planned != members:
            raise LoadError(f"the plan is for {planned} of {members} members; not asked: {answer['notAsked']}")
        stall = 1000 * await longest_stall(address, ADMINISTRATOR)
        return {
            Row(f"info: all of /.cse/plan, {members:,} members", "ms"): found,
            Row("info: ... longest stall of the server", "ms"): Measured(stall),
        }


class Memory(AtOnce):
    """The growth of a server's resident memory for each AE, container and instance that is created over HTTP.

    As many have been created before: caches that are bounded belong to the server, and not to what comes then.
    """

    async def prepare(self, stack: AsyncExitStack) -> None:
        """Each measurement needs a server that has done nothing yet."""

    async def measure(self) -> dict[Row, Measured]:
        async with AsyncExitStack() as stack:
            subject = await self.bench.server(stack, self.bench.new_folder())
            await subject.register()
            await self._grow(subject, "warm", self.size.members)
            found = await self._grow(subject, "counted", self.size.members)
            assert subject.process is not None
            resources = 2 * self.size.members * (2 + INSTANCES)
            whole = Row(f"info: all memory with {resources:,} resources", "MiB")
            all_of_it = {whole: Measured(resident(subject.process) / 1024)}
        bounds = {"AE": 1.0, "container": 1.0, "content instance": 0.1}
        return {
            Row(f"memory per {name}", "KiB", (Goal("value", "<=", bound),)): Measured(found[name])
            for name, bound in bounds.items()
        } | all_of_it

    async def _grow(self, subject: Subject, name: str, count: int) -> dict[str, float]:
        """KiB for each of what is created."""
        assert subject.process is not None
        found = {}
        for kind, requests in _creations(subject, name, count).items():
            before = resident(subject.process)
            await for_each(subject.address, requests)
            found[kind] = (resident(subject.process) - before) / len(requests)
        return found


def _creations(subject: Subject, name: str, count: int) -> dict[str, list[Requests]]:
    names = [f"{name}-{number}" for number in range(count)]
    entity = {"api": "N.example.meter", "rr": False, "srv": ["3"]}
    return {
        "AE": [
            subject.creation(subject.base, AE, {"m2m:ae": {"rn": each, **entity}}, originator=f"C{each}")
            for each in names
        ],
        "container": [subject.creation(subject.home, CONTAINER, {"m2m:cnt": {"rn": each}}) for each in names],
        "content instance": [
            subject.creation(f"{subject.home}/{each}", INSTANCE, READING) for each in names for _ in range(INSTANCES)
        ],
    }


class Start(AtOnce):
    """From the beginning of the process to its first answer, with very many resources in its store."""

    async def prepare(self, stack: AsyncExitStack) -> None:
        self._folder = await self.bench.many_meters()

    async def measure(self) -> dict[Row, Measured]:
        begin = time.perf_counter()
        async with servers.cse(self._folder) as program:
            subject = Subject(program.address)
            await subject.once(Requests("GET", f"{subject.base}/{meter(0)}", ADMINISTRATOR))
            seconds, used = time.perf_counter() - begin, cpu([program.process])
        row = Row(f"start with {self.size.large:,} resources", "s", (Goal("value", "<", 1),))
        return {row: Measured(seconds, cpu=1e6 * used)}
