"""A network with a SCEF, and two CSEs that listen when they are told to."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cse.multicast.records import Record
from cse.network import Delivery, Host, Way
from cse.primitive import CREATED, DELETED, UPDATED, Operation, Request, Response
from cse.testing.clock import ManualClock
from cse.testing.engine import RecordingEngine
from plugins.mbms.network import Mbms
from plugins.mbms.settings import MbmsSettings
from tests.plugins.mbms.scef import FakeScef

GROUP = "grp1"
EXTERNAL_GROUP = "meters@operator.example"
RETRIEVE = Request(Operation.RETRIEVE, "cse-in/city/fopt", "/id-in/Capp", "r-9", group_request_identifier="id-in.9")


def host(name: str, external_group: str = EXTERNAL_GROUP, multicast: int = 1) -> Host:
    member = f"/id-{name}/cse-{name}/c1"
    cse = f"/id-{name}"
    return Host(member, (), cse=cse, member=member, multicast=multicast, external_group=external_group)


A, B = host("a"), host("b")


@dataclass
class Others:
    """Other CSEs and what they have been told, the present state of it by CSE-ID; `deaf` ones refuse it."""

    groups: defaultdict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    deaf: set[str] = field(default_factory=set)

    def respond(self, request: Request) -> Response:
        cse = "/" + request.to.split("/")[1]
        if cse in self.deaf:
            return Response(5216)
        if request.operation is Operation.DELETE:
            del self.groups[cse]
            return Response(DELETED)
        self.groups[cse] |= request.content["m2m:lmg"]
        return Response(CREATED if request.operation is Operation.CREATE else UPDATED)


@dataclass
class Scene:
    """See the module. The clock stands still."""

    scef: FakeScef
    clock: ManualClock
    engine: RecordingEngine
    others: Others
    network: Mbms

    async def prepare(self, *hosts: Host) -> None:
        await self.network.prepare(GROUP, hosts)
        await self.network.set_ups.settled()

    async def later(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await self.network.set_ups.settled()

    @property
    def record(self) -> Record:
        (record,) = self.network.records
        return record

    async def way(self, *hosts: Host) -> Way:
        (one, *others) = [reach[0] for reach in await self.network.offers(hosts, RETRIEVE, GROUP)]
        assert isinstance(one, Way)
        assert set(others) <= {one}
        return one

    def delivery(
        self, way: Way, *hosts: Host, request: Request = RETRIEVE, counted: list[int] | None = None
    ) -> Delivery:
        transmissions = [] if counted is None else counted
        return Delivery(
            request,
            way.offer,
            way.address,
            hosts,
            GROUP,
            attempt=1,
            window=1.0,
            deadline=self.clock.now() + 60,
            transmitted=lambda count, airtime_ms: transmissions.append(count),
        )

    async def restart(self) -> None:
        await self.network.stop()
        await self.network.start(self.engine)


def settings(scef: FakeScef, **changes: Any) -> MbmsSettings:
    return MbmsSettings(**{**scef.settings, "renewal_margin": 300.0, **changes})


@asynccontextmanager
async def scene(**changes: Any) -> AsyncIterator[Scene]:
    clock, others = ManualClock(), Others()
    async with FakeScef(clock) as scef:
        engine = RecordingEngine(clock, respond=others.respond)
        network = Mbms(settings(scef, **changes))
        await network.start(engine)
        try:
            yield Scene(scef, clock, engine, others, network)
        finally:
            await network.stop()
