"""The network on a simulation that runs freely in the test process."""

import asyncio
from collections.abc import Awaitable, Callable

from cse.network import Delivery, Host, Reach, Reason, Unreachable, Way
from cse.primitive import Request
from cse.protection import Keys, Trust
from cse.protection.keys import NO_KEYS
from cse.protection.trust import NOBODY
from cse.testing.clock import ManualClock
from cse.testing.engine import RecordingEngine
from plugins.lora_broadcast.network import LoRaBroadcast
from plugins.lora_broadcast.radio.simulation import Scenario, Simulation
from plugins.lora_broadcast.settings import LoRaSettings
from tests.plugins.lora_broadcast.kit import GROUP, FreeRunning, build_meters, hosts_of, one_gateway

BROADCAST = f"lora-broadcast:{GROUP}"


class Scene:
    """The network on a simulation that runs freely in this process, with an engine that records.

    The server has `keys`, and the meters `trust` in somebody, only if they are given.
    """

    def __init__(
        self,
        scenario: Scenario | None = None,
        count: int = 6,
        *,
        settings: LoRaSettings = LoRaSettings(),  # noqa: B008 - immutable
        keys: Keys = NO_KEYS,
        trust: Trust = NOBODY,
        **options: float,
    ) -> None:
        self.meters = build_meters(count, **options)
        self.hosts = hosts_of(self.meters)
        self.simulation = Simulation(scenario or one_gateway(), self.meters, trust)
        self.server = FreeRunning(self.simulation)
        self.engine = RecordingEngine(ManualClock(), keys=keys)
        self.network = LoRaBroadcast(settings, lambda clock: self.server)

    async def join(self, hosts: list[Host] | None = None) -> None:
        await self.network.prepare(GROUP, self.hosts if hosts is None else hosts)
        self.simulation.run(600)

    async def reaches(self, request: Request, hosts: list[Host] | None = None, group: str = GROUP) -> list[Reach]:
        return await self.network.offers(self.hosts if hosts is None else hosts, request, group)

    async def way(self, request: Request, *, broadcast: bool, hosts: list[Host] | None = None) -> Way:
        """The way of this kind that the first of the hosts has."""
        return next(way for way in ways((await self.reaches(request, hosts))[0]) if way.offer.broadcast is broadcast)

    async def deliver(self, delivery: Delivery, seconds: float = 600.0) -> None:
        """Deliver while virtual time passes."""
        task = asyncio.create_task(self.network.deliver(delivery))
        await asyncio.sleep(0)
        self.simulation.run(seconds)
        await task

    def answered(self, identifier: str) -> list[str]:
        return [answer.originator for answer in self.engine.answers if answer.request_identifier == identifier]


def ways(reach: Reach) -> list[Way]:
    return [entry for entry in reach if isinstance(entry, Way)]


def refusals(reach: Reach) -> dict[str, Reason]:
    return {entry.offer: entry.reason for entry in reach if isinstance(entry, Unreachable)}


Start = Callable[[Scene], Awaitable[Scene]]
