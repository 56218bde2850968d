"""A whole server without HTTP: scripted devices behind two scripted networks, and a clock to advance."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from cse.app import Server
from cse.config import Settings
from cse.fanout.report import campaign_report, find_campaign
from cse.network import (
    Delivery,
    DeliveryFailed,
    Engine,
    Host,
    Network,
    Offer,
    Reach,
    Reason,
    Unreachable,
    Way,
    addresses,
)
from cse.primitive import OK, Operation, Request, Response, ResponseType
from cse.store import Store
from cse.testing.clock import ManualClock
from cse.timing import timestamp
from cse.work import Work

INSTRUCTION = {"m2m:sgn": {"sur": "cse-in/city", "nev": {"rep": {"m2m:cin": {"con": '{"interval": 900}'}}}}}


class ScriptedNetwork(Network):
    """Hosts with `<name>://` addresses. `hears` says which attempts reach a host; `deliveries` is what was sent.

    With `broadcast` there is an offer for all hosts together beside the unicast one.
    """

    def __init__(self, name: str, *, broadcast: bool = False, unit: int = 1000) -> None:
        self.name = name
        self.deliveries: list[Delivery] = []
        self.failure: Exception | None = None
        self.offer_failure: Exception | None = None
        self.reason: Reason | None = None
        self.answers = True
        self.hears: Callable[[str, int], bool] = lambda host, attempt: True
        self.executions: defaultdict[str, set[str]] = defaultdict(set)
        self.prepared: dict[str, list[str]] = {}
        self._unicast = Offer(f"{name}-unicast", name, False, 0, unit, 0, 200, 10_000, preference=3)
        self._broadcast = Offer(f"{name}-broadcast", name, True, 100, 150, 20_000, 1000, 10_000)
        self._offers_broadcast = broadcast
        self._attempts: defaultdict[str, int] = defaultdict(int)

    async def start(self, engine: Engine) -> None:
        self.engine = engine

    def latency(self, seconds: int) -> None:
        """Answers to broadcasts take so long from now on."""
        self._broadcast = replace(self._broadcast, latency_ms=seconds * 1000)

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        if self.offer_failure:
            raise self.offer_failure
        return [self._reach(host) for host in hosts]

    def _reach(self, host: Host) -> Reach:
        address = next(iter(addresses(host, self.name)), None)
        if address is None:
            return [Unreachable(self.name, Reason.NO_POA, f"no {self.name}:// address")]
        if self.reason:
            return [Unreachable(self.name, self.reason)]
        unicast = Way(self._unicast, address)
        return [Way(self._broadcast, "everybody"), unicast] if self._offers_broadcast else [unicast]

    async def prepare(self, group: str, members: Sequence[Host]) -> None:
        self.prepared[group] = [host.id for host in members]

    async def deliver(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        delivery.transmitted(1, 0.0)
        if self.failure:
            raise self.failure
        for host in delivery.hosts:
            self._attempts[host.id] += 1
            if self.hears(host.id, self._attempts[host.id]):
                self.executions[host.id].add(delivery.request.request_identifier)
                if self.answers:
                    self.answer(delivery.request.request_identifier, host.id)

    def answer(self, request_identifier: str, host: str, status_code: int = OK) -> None:
        """A device answers."""
        self.engine.answer(request_identifier, host, Response(status_code, {"m2m:cin": {"con": host}}), self.name)


def refusing() -> DeliveryFailed:
    return DeliveryFailed("connection refused", refused=True)


@dataclass
class Scenario:
    """The server, the two networks (`air` can broadcast, `wire` can't) and the clock."""

    server: Server
    air: ScriptedNetwork
    wire: ScriptedNetwork
    clock: ManualClock
    identifiers: list[str] = field(default_factory=list)

    async def ask(self, operation: Operation, to: str, originator: str = "CAdmin", **parameters: Any) -> Response:
        request = Request(operation, to, originator, f"r-{len(self.identifiers)}", release_version="3", **parameters)
        self.identifiers.append(request.request_identifier)
        return await self.server.requests.handle(request)

    async def create(self, parent: str, ty: int, root: str, originator: str = "CAdmin", **attributes: Any) -> Response:
        response = await self.ask(
            Operation.CREATE, parent, originator, resource_type=ty, content={f"m2m:{root}": attributes}
        )
        assert response.status_code == 2001, response.content
        return response

    async def meter(self, name: str, *points_of_access: str, **attributes: Any) -> str:
        """Register the AE `C<name>`; its address."""
        if points_of_access:
            attributes["poa"] = list(points_of_access)
        await self.create(
            "cse-in",
            2,
            "ae",
            f"C{name}",
            rn=name,
            api="N.meter",
            rr=True,
            srv=["3"],
            **attributes,
        )
        return f"cse-in/{name}"

    async def meters(self, count: int, *schemes: str) -> list[str]:
        """Meters m0, m1, ... that have an address in each of these networks."""
        return [await self.meter(f"m{i}", *(f"{scheme}://m{i}" for scheme in schemes)) for i in range(count)]

    async def group(self, members: Sequence[str], name: str = "city", **attributes: Any) -> None:
        await self.create("cse-in", 9, "grp", rn=name, mnm=max(1, len(members)), mid=list(members), **attributes)

    async def notify(self, group: str = "city", originator: str = "CAdmin", **parameters: Any) -> Response:
        return await self.ask(Operation.NOTIFY, f"cse-in/{group}/fopt", originator, content=INSTRUCTION, **parameters)

    async def start(self, group: str = "city", **parameters: Any) -> str:
        """Post the device request with rt=1; the identifier of the <request>."""
        response = await self.notify(group, response_type=ResponseType.NON_BLOCKING_SYNCH, **parameters)
        assert response.status_code == 1001, response.content
        return str(response.content["m2m:uri"])

    async def result(self, request: str) -> dict[str, Any]:
        """The attributes of a <request>."""
        response = await self.ask(Operation.RETRIEVE, request)
        assert response.status_code == 2000, response.content
        attributes: dict[str, Any] = response.content["m2m:req"]
        return attributes

    async def rows(self, request: str) -> dict[str, Any]:
        """The members' rows of the campaign behind a <request>, by member."""

        def unit(work: Any) -> Any:
            resource = work.resource(request)
            return work.transaction.campaigns.rows(resource.attributes.get("_campaign", ""))

        return {row.member: row for row in await self.server.core.read(unit)}

    async def report(self, request: str) -> dict[str, Any]:
        """The operator's report on the campaign behind a <request>, once it has begun."""

        def unit(work: Work) -> dict[str, Any] | None:
            campaign = find_campaign(work, request)
            return None if campaign is None else campaign_report(work, campaign)

        for _ in range(2000):
            if (report := await self.server.core.read(unit)) is not None:
                return report
            await asyncio.sleep(0.002)
        raise AssertionError("it never began")

    async def plan(self, group: str) -> dict[str, Any]:
        request = Request(Operation.NOTIFY, f"{group}/fopt", "CAdmin", "plan", content=INSTRUCTION)
        return await self.server.fan_out.plan(request)

    async def advance_until(self, condition: Callable[[], Any], *, seconds: float = 600, step: float = 0.5) -> None:
        """Move the clock in small steps until the condition holds."""
        for _ in range(int(seconds / step)):
            result = condition()
            if await result if asyncio.iscoroutine(result) else result:
                return
            await self.clock.advance(step)
        raise AssertionError("it never came true")

    async def finished(self, request: str) -> dict[str, Any]:
        """The attributes of a <request> once it is complete."""

        async def complete() -> bool:
            return bool((await self.result(request))["rs"] in (1, 2))

        await self.advance_until(complete)
        return await self.result(request)

    def in_seconds(self, seconds: float) -> str:
        return timestamp(self.clock.now() + seconds)


@asynccontextmanager
async def scenario(
    store: str | Store = "memory:", clock: ManualClock | None = None, **settings: Any
) -> AsyncIterator[Scenario]:
    """A running server; give the same sqlite store and clock again for a restart."""
    clock = clock or ManualClock()
    air, wire = ScriptedNetwork("air", broadcast=True), ScriptedNetwork("wire")
    url, engine = (store, None) if isinstance(store, str) else ("memory:", store)
    values = {"server": {"store": url} | settings}
    server = Server(Settings(values), store=engine, clock=clock, networks=[air, wire])
    async with server.running():
        yield Scenario(server, air, wire, clock)


async def eventually(condition: Callable[[], Any]) -> None:
    """Wait in real time, for threads and tasks, until the condition holds."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never came true")


def items(response_content: Any) -> dict[str, int]:
    """Response status codes by member."""
    return {item["fr"]: item["rsc"] for item in response_content["m2m:agr"]["m2m:rsp"]}


def contents(response_content: Any) -> dict[str, Any]:
    """Contents by member."""
    return {item["fr"]: item.get("pc") for item in response_content["m2m:agr"]["m2m:rsp"]}


def as_json(content: Any) -> Any:
    """What would go over the wire."""
    return orjson.loads(orjson.dumps(content))
