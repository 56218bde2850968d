"""Many containers: finding ten of them, and one request to all of them."""

from contextlib import AsyncExitStack
from typing import Any

import orjson

from benchmarks.driver import for_each
from benchmarks.figures import Goal, Measured, Row
from benchmarks.load import LoadError, Requests, connections
from benchmarks.scenarios.base import AtOnce
from benchmarks.subject import CONTAINER, GROUP, INSTANCE, READING, Subject
from benchmarks.watching import Probe, Stopwatch, percentile

ALIKE = 10  # containers with the same label
KEPT_READINGS = 10
GOOD = (2000, 2001)
PROBE_PAUSE = 0.005
LIFETIME = {"X-M2M-RET": "600000"}  # milliseconds


class Discovery(AtOnce):
    """By label, with ten hits in as many containers as groups have members."""

    portable = True

    async def prepare(self, stack: AsyncExitStack) -> None:
        self._subject = subject = await self.bench.subject()
        await _make_containers(subject, "street", self.size.members)
        paths = [f"{subject.home}?fu=1&lbl=street-{number}" for number in range(self.size.members // ALIKE)]
        self._requests = [subject.retrieval(path) for path in paths]
        for requests in self._requests[:1]:
            _check_hits(await subject.once(requests))

    async def measure(self) -> dict[Row, Measured]:
        goals = (Goal("value", ">=", 1500),)
        row = Row(f"discovery, label, {ALIKE} of {self.size.members:,} resources", "requests/s", goals)
        return {row: await self.bench.load(self._subject, self._requests)}


class FanOut(AtOnce):
    """One blocking request to the containers of a group on the same server, and others' requests meanwhile."""

    portable = True

    async def prepare(self, stack: AsyncExitStack) -> None:
        self._subject = subject = await self.bench.subject()
        members = await _make_containers(subject, "member", self.size.members)
        group = {"rn": "all", "mt": CONTAINER, "mnm": self.size.members, "mid": members}
        await subject.create(subject.home, GROUP, {"m2m:grp": group})
        await _make_containers(subject, "beside", 1)
        beside = f"{subject.home}/beside/beside-0"
        self._others = (subject.retrieval(beside), subject.creation(beside, INSTANCE, READING))
        self._request = subject.request("POST", f"{subject.home}/all/fopt", READING, ty=INSTANCE, headers=LIFETIME)

    async def measure(self) -> dict[Row, Measured]:
        subject, members = self._subject, self.size.members
        probes = [Probe(subject.address, requests, PROBE_PAUSE) for requests in self._others]
        async with AsyncExitStack() as stack:
            for probe in probes:
                await stack.enter_async_context(probe.running())
            watch = Stopwatch(subject.process)
            body = await _answer(subject, self._request)
            seconds, costs = watch.seconds(), watch.microseconds_of_cpu(members)
        _check_items(orjson.loads(body), members)
        others = sorted(value for probe in probes for value in probe.milliseconds)
        p50, p99 = percentile(others, 0.5), percentile(others, 0.99)
        return {
            Row(f"fan-out create, {members:,} local containers", "members/s", (Goal("value", ">=", 15_000),)): Measured(
                members / seconds, cpu=costs
            ),
            Row("... requests of others meanwhile", "ms, p99", (Goal("p99", "<", 50),)): Measured(p99, p50, p99),
        }


async def _make_containers(subject: Subject, name: str, count: int) -> list[str]:
    """In a container of that name: the structured addresses of so many containers, with a label for every ten."""
    parent = f"{subject.home}/{name}"
    await subject.create(subject.home, CONTAINER, {"m2m:cnt": {"rn": name}})

    def creation(number: int) -> Requests:
        labels = [f"{name}-{number // ALIKE}"]
        content = {"rn": f"{name}-{number}", "lbl": labels, "mni": KEPT_READINGS}
        return subject.creation(parent, CONTAINER, {"m2m:cnt": content})

    await for_each(subject.address, [creation(number) for number in range(count)])
    return [f"{parent[1:]}/{name}-{number}" for number in range(count)]


async def _answer(subject: Subject, requests: Requests) -> bytes:
    """Its body, which is parsed when nothing is measured any more."""
    async with connections(subject.address, 1) as (connection,):
        return (await connection.send(requests)).body


def _check_hits(answer: Any) -> None:
    if len(answer["m2m:uril"]) != ALIKE:
        raise LoadError(f"{ALIKE} hits were expected: {answer}")


def _check_items(answer: Any, members: int) -> None:
    items = answer["m2m:agr"]["m2m:rsp"]
    good = sum(item["rsc"] in GOOD for item in items)
    if good != members:
        raise LoadError(f"{good} of {members} members of the fan-out did it; one answer is {items[:1]}")
