"""What is measured. Requests come from an ordinary application entity, so that access control takes part."""

import asyncio
import time
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from typing import Any

from benchmarks import servers
from benchmarks.figures import REFERENCE, Line
from benchmarks.load import Address, LoadError, Requests, for_each, once, throughput

ADMINISTRATOR, APPLICATION = "CAdmin", "Cbenchmark"
BASE, HOME = "/cse-in", "/cse-in/benchmark"
POLICY, AE, CONTAINER, INSTANCE, GROUP = 1, 2, 3, 4, 9
CONNECTIONS = (1, 16)
MANY = max(CONNECTIONS)
READING: dict[str, Any] = {"m2m:cin": {"con": '{"energy": 1234.5, "unit": "kWh"}'}}
METER, METERS = "Cudp{:04d}", "Cudp*"
KEPT_READINGS = 10
ALL_RIGHTS = 63
POLL_PAUSE, JOIN_PAUSE, JOINING = 0.02, 0.5, 120.0  # seconds


def creation(parent: str, ty: int, content: dict[str, Any]) -> Requests:
    """A CREATE by the application."""
    return Requests("POST", parent, APPLICATION, content, ty=ty, status=201)


async def register(address: Address) -> None:
    """The application entity that everything else belongs to."""
    entity = {"rn": "benchmark", "api": "N.example.benchmark", "rr": False, "srv": ["3"]}
    await once(address, creation(BASE, AE, {"m2m:ae": entity}))


class Scenario(ABC):
    """Something that is measured several times."""

    @abstractmethod
    async def prepare(self, stack: AsyncExitStack) -> None:
        """Make what the measurement needs; the stack ends what must be ended."""

    @abstractmethod
    async def measure(self) -> dict[Line, float]:
        """Measure once."""


class Reference(Scenario):
    """The bare endpoint gets the request that a CREATE of a contentInstance is."""

    def __init__(self, address: Address, seconds: float) -> None:
        self._address, self._seconds = address, seconds

    async def prepare(self, stack: AsyncExitStack) -> None:
        pass

    async def measure(self) -> dict[Line, float]:
        return {
            Line(REFERENCE, "", count, "requests/s"): await throughput(
                self._address, creation("/", INSTANCE, READING), count, self._seconds
            )
            for count in CONNECTIONS
        }


class SingleRequests(Scenario):
    """CREATE and RETRIEVE of single resources."""

    def __init__(self, address: Address, store: str, seconds: float) -> None:
        self._address, self._store, self._seconds = address, store, seconds
        self._requests = {
            "create contentInstance": creation(f"{HOME}/readings", INSTANCE, READING),
            "retrieve container": Requests("GET", f"{HOME}/readings", APPLICATION),
            "retrieve latest": Requests("GET", f"{HOME}/readings/la", APPLICATION),
        }

    async def prepare(self, stack: AsyncExitStack) -> None:
        await once(self._address, creation(HOME, CONTAINER, {"m2m:cnt": {"rn": "readings"}}))

    async def measure(self) -> dict[Line, float]:
        return {
            Line(name, self._store, count, "requests/s", count): await throughput(
                self._address, requests, count, self._seconds
            )
            for name, requests in self._requests.items()
            for count in CONNECTIONS
        }


class FanOut(Scenario):
    """One blocking request to the containers of a group on the same server."""

    def __init__(self, address: Address, store: str, members: int) -> None:
        self._address, self._store, self._members = address, store, members
        target = f"{HOME}/all/fopt"
        self._requests = {
            "create": Requests("POST", target, APPLICATION, READING, ty=INSTANCE),
            "retrieve": Requests("GET", target, APPLICATION),
        }

    async def prepare(self, stack: AsyncExitStack) -> None:
        def container(number: int) -> Requests:
            return creation(HOME, CONTAINER, {"m2m:cnt": {"rn": f"member-{number}", "mni": KEPT_READINGS}})

        await for_each(self._address, container, self._members)
        members = [f"{HOME[1:]}/member-{number}" for number in range(self._members)]
        group = {"rn": "all", "mt": CONTAINER, "mnm": self._members, "mid": members}
        await once(self._address, creation(HOME, GROUP, {"m2m:grp": group}))

    async def measure(self) -> dict[Line, float]:
        measured = {}
        for operation, requests in self._requests.items():
            begin = time.perf_counter()
            answer = await once(self._address, requests)
            seconds = time.perf_counter() - begin
            _check_items(answer, self._members)
            name = f"fan-out to {self._members:,} members: {operation}"
            measured[Line(name, self._store, 1, "members/s", MANY)] = self._members / seconds
            measured[Line(name, self._store, 1, "s/request")] = seconds
        return measured


class Campaign(Scenario):
    """A device request to meters on UDP multicast without loss, from its acceptance until the last meter answered."""

    def __init__(self, address: Address, store: str, port: int, members: int) -> None:
        self._address, self._store, self._port, self._members = address, store, port, members

    async def prepare(self, stack: AsyncExitStack) -> None:
        rules = {"acr": [{"acor": [APPLICATION, METERS], "acop": ALL_RIGHTS}]}
        await once(self._address, creation(HOME, POLICY, {"m2m:acp": {"rn": "policy", "pv": rules, "pvs": rules}}))
        options = ("--count", str(self._members), "--acp", f"{HOME[1:]}/policy", "--interval", "86400")
        await stack.enter_async_context(servers.udp_meters(self._address, self._port, *options))
        members = [METER.format(number) for number in range(1, self._members + 1)]
        group = {"rn": "meters", "mt": AE, "mnm": self._members, "mid": members}
        await once(self._address, creation(HOME, GROUP, {"m2m:grp": group}))
        async with asyncio.timeout(JOINING):
            await self._all_joined()

    async def measure(self) -> dict[Line, float]:
        configuration = {"m2m:cin": {"con": '{"interval": 86400}'}}
        content = {"m2m:sgn": {"sur": f"{HOME[1:]}/meters", "nev": {"rep": configuration}}}
        request = Requests("POST", f"{HOME}/meters/fopt?rt=1", APPLICATION, content, status=202)
        begin = time.perf_counter()
        accepted = await once(self._address, request)
        report = await self._completed(accepted["m2m:uri"])
        seconds = time.perf_counter() - begin
        transmissions = sum(network.get("transmissions", 0) for network in report["networks"].values())
        name = f"campaign to {self._members:,} UDP meters"
        return {
            Line(name, self._store, 1, "s until all answered"): seconds,
            Line(name, self._store, 1, "answers/s", MANY): self._members / seconds,
            Line(name, self._store, 1, "transmissions"): transmissions,
        }

    async def _all_joined(self) -> None:
        """Return when the server's plan excludes nobody any more for not having joined the multicast group."""
        question = {"group": f"{HOME[1:]}/meters", "originator": APPLICATION}
        request = Requests("POST", "/.cse/plan", ADMINISTRATOR, question)
        while True:
            signatures = (await once(self._address, request))["signatures"]
            reasons = [exclusion["reason"] for signature in signatures for exclusion in signature["exclusions"]]
            if "NOT_JOINED" not in reasons:
                return
            await asyncio.sleep(JOIN_PAUSE)

    async def _completed(self, request: str) -> dict[str, Any]:
        """The operator's report of a campaign when everybody has answered."""
        question = Requests("GET", "/.cse/campaigns", ADMINISTRATOR)
        while True:
            campaigns = (await once(self._address, question))["campaigns"]
            for report in campaigns:
                if report["request"] == request and not report["states"]["waiting"]:
                    self._check(report)
                    return dict(report)
            await asyncio.sleep(POLL_PAUSE)

    def _check(self, report: dict[str, Any]) -> None:
        if report["states"]["answered"] != self._members:
            raise LoadError(f"not every meter answered: {report['states']} {report['reasons']}")


def _check_items(answer: Any, members: int) -> None:
    items = answer["m2m:agr"]["m2m:rsp"]
    good = sum(item["rsc"] in (2000, 2001) for item in items)
    if good != members:
        raise LoadError(f"{good} of {members} members of the fan-out did it; one answer is {items[:1]}")
