"""What several tests of this folder need: requests, deliveries, and a network with its meters on real sockets."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cse.network import Delivery, Host, Offer, Way
from cse.primitive import Operation, Request
from cse.protection import Secret, Trust
from cse.protection.trust import NOBODY
from cse.testing.device import SimulatedDevice
from cse.testing.engine import RecordingEngine
from cse.timing import precise_timestamp
from plugins.udp_multicast.meters import UdpMeters
from plugins.udp_multicast.network import UdpMulticast
from plugins.udp_multicast.settings import UdpMulticastSettings

GROUP = "grp-1"


def device_request(rqi: str = "r-1", now: float = 1_800_000_000.0, interval: int = 900, **changes: Any) -> Request:
    """A request that sets the reporting interval."""
    content = {"m2m:sgn": {"sur": "cse-in/city", "nev": {"rep": {"m2m:cin": {"con": f'{{"interval": {interval}}}'}}}}}
    request = Request(
        Operation.NOTIFY,
        "cse-in/city/fopt",
        "Cheadend",
        rqi,
        content=content,
        originating_timestamp=precise_timestamp(now),
        release_version="3",
    )
    return request.derive(**changes)


def way(reach: Sequence[Any], broadcast: bool) -> Way:
    """The unicast or the multicast way among what a network offers to a host."""
    return next(item for item in reach if isinstance(item, Way) and item.offer.broadcast is broadcast)


@dataclass
class Bench:
    """A started network, the engine it talks to, and meters."""

    network: UdpMulticast
    engine: RecordingEngine
    settings: UdpMulticastSettings
    meters: UdpMeters
    devices: list[SimulatedDevice]
    sent: list[int] = field(default_factory=list)

    def hosts(self, devices: Sequence[SimulatedDevice] | None = None) -> list[Host]:
        chosen = self.devices if devices is None else devices
        return [Host(device.id, tuple(self.meters.points_of_access(device))) for device in chosen]

    def request(self, rqi: str = "r-1", interval: int = 900) -> Request:
        return device_request(rqi, self.engine.clock.now(), interval)

    async def join(self, devices: Sequence[SimulatedDevice] | None = None) -> None:
        await self.network.prepare(GROUP, self.hosts(devices))
        await self.network.set_ups.settled()

    async def restart(self) -> None:
        """Another process takes over: it knows what the documents of the engine say, and nothing else."""
        await self.network.stop()
        self.network = UdpMulticast(self.settings)
        await self.network.start(self.engine)

    def delivery(self, request: Request, way: Way, hosts: Sequence[Host], attempt: int = 1) -> Delivery:
        return delivery(request, way.offer, way.address, hosts, self.engine.clock.now() + 60, attempt, self.sent)

    async def multicast(
        self, request: Request, devices: Sequence[SimulatedDevice] | None = None, attempt: int = 1
    ) -> None:
        hosts = self.hosts(devices)
        offered = way((await self.network.offers(hosts, request, GROUP))[0], broadcast=True)
        await self.network.deliver(self.delivery(request, offered, hosts, attempt))

    async def unicast(self, request: Request, device: SimulatedDevice) -> None:
        hosts = self.hosts([device])
        offered = way((await self.network.offers(hosts, request, GROUP))[0], broadcast=False)
        await self.network.deliver(self.delivery(request, offered, hosts))

    @property
    def executions(self) -> list[int]:
        return [device.executions for device in self.devices]


def delivery(
    request: Request,
    offer: Offer,
    address: str,
    hosts: Sequence[Host],
    deadline: float,
    attempt: int = 1,
    sent: list[int] | None = None,
) -> Delivery:
    counted = [] if sent is None else sent
    return Delivery(
        request, offer, address, hosts, GROUP, attempt, 1.0, deadline, lambda count, airtime: counted.append(count)
    )


@asynccontextmanager
async def bench(
    devices: list[SimulatedDevice],
    *,
    engine: RecordingEngine | None = None,
    trust: Trust = NOBODY,
    secrets: Mapping[str, Secret] = MappingProxyType({}),
    **settings: Any,
) -> AsyncIterator[Bench]:
    """Meters on a port of their own, and a network whose groups use that port. Answers come at once by default.

    Meters that trust somebody want signatures; `secrets` are theirs, by AE-ID.
    """
    engine = engine or RecordingEngine()
    meters = UdpMeters(devices, port=0, clock=engine.clock, trust=trust, secrets=secrets)
    await meters.start()
    values = {"group_port": meters.port, "min_window": 0.0, "ack_timeout": 0.2, "setup_pause": 0.0} | settings
    chosen = UdpMulticastSettings(**values)
    table = Bench(UdpMulticast(chosen), engine, chosen, meters, devices)
    await table.network.start(engine)
    try:
        yield table
    finally:
        await table.network.stop()
        await meters.stop()
