"""`lora-broadcast`: LoRaWAN class C multicast to a group, and unicast to single devices."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from functools import partial

from cse.config import ConfigurationError
from cse.network import Delivery, Engine, Host, Network, Reach
from cse.primitive import Request
from cse.timing import Clock
from plugins.lora_broadcast.client import SocketNetworkServer
from plugins.lora_broadcast.directory import Directory
from plugins.lora_broadcast.downlinks import Downlinks
from plugins.lora_broadcast.endpoint import parse_endpoint
from plugins.lora_broadcast.fragments import PORT as FRAGMENT_PORT
from plugins.lora_broadcast.memory import Campaigns
from plugins.lora_broadcast.network_server import (
    Event,
    MulticastDownlink,
    NetworkServer,
    NoNetworkServer,
    Ready,
    UnicastDownlink,
    Uplink,
)
from plugins.lora_broadcast.offering import Offering
from plugins.lora_broadcast.readings import ReadingStore
from plugins.lora_broadcast.registry import SCHEME, Registry
from plugins.lora_broadcast.settings import LoRaSettings
from plugins.lora_broadcast.signing import Signing
from plugins.lora_broadcast.transport import Transport
from plugins.lora_broadcast.uplinks import Uplinks

log = logging.getLogger(__name__)

SAVE_PERIOD = 5.0


class LoRaBroadcast(Network):
    """Reaches `lora://<DevEUI>`. `connect` makes another network server than the one that the settings name."""

    name = "lora-broadcast"
    schemes = frozenset([SCHEME])

    def __init__(self, settings: LoRaSettings, connect: Callable[[Clock], NetworkServer] | None = None) -> None:
        if settings.speed <= 0:
            raise ConfigurationError("speed in [lora-broadcast] must be above 0")
        if not 0 < settings.collision_ppm <= 1_000_000:
            raise ConfigurationError("collision_ppm in [lora-broadcast] must lie between 1 and 1000000")
        self.policy = self._settings = settings
        self._connect = connect

    async def start(self, engine: Engine) -> None:
        self._engine = engine
        self._server = self._connect(engine.clock) if self._connect else self._configured_server(engine)
        self._directory = Directory("the network server has not answered yet")
        self._registry = Registry(
            self.name,
            self._directory,
            engine.documents("lora-broadcast-devices"),
            switch_class_a=self._settings.switch_class_a,
        )
        campaigns = Campaigns(engine.documents("lora-broadcast"))
        signing = Signing(engine.protection, self._settings)
        self._offering = Offering(self.name, self._settings, self._directory, self._registry, campaigns, signing)
        self._downlinks = Downlinks(self._server.send)
        self._transport = Transport(
            self._settings.max_fragments, lambda seconds: engine.clock.sleep(seconds / self._settings.speed)
        )
        self._readings = ReadingStore(engine, self._settings.parallel_readings)
        self._uplinks = Uplinks(self.name, engine, self._registry, campaigns, self._readings)
        self._saver = asyncio.create_task(self._save_now_and_then())
        await self._server.start(self._receive)

    async def stop(self) -> None:
        await self._server.stop()
        await self._readings.stop()
        self._saver.cancel()
        await asyncio.gather(self._saver, return_exceptions=True)
        await asyncio.to_thread(self._registry.save)

    async def prepare(self, group: str, members: Sequence[Host]) -> None:
        if command := await self._registry.regroup(group, members):
            self._server.send(command)

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        return await self._offering.offers(hosts, request, group)

    async def deliver(self, delivery: Delivery) -> None:
        if delivery.offer.broadcast:
            message = await self._offering.multicast_message(delivery)
        else:
            message = self._offering.unicast_message(delivery.request, delivery.address)
        await self._transport.carry(message, partial(self._send, delivery))

    async def _send(self, delivery: Delivery, port: int, payload: bytes) -> None:
        """Send one frame."""
        lifetime = self._offering.lifetime_ms(max(0.0, delivery.deadline - self._engine.clock.now()))
        kind = MulticastDownlink if delivery.offer.broadcast else UnicastDownlink
        command = kind(uuid.uuid4().hex, delivery.address, port, payload, lifetime)
        await self._downlinks.carry_out(command, delivery.transmitted)

    def _configured_server(self, engine: Engine) -> NetworkServer:
        address = self._settings.network_server
        if not address:
            return NoNetworkServer("set network_server in [lora-broadcast] to the address of a LoRaWAN network server")
        try:
            host, port = parse_endpoint(address)
        except ValueError:
            raise ConfigurationError(
                f"network_server in [lora-broadcast] must be an IP address and a port such as 127.0.0.1:1680, "
                f"not {address!r}"
            ) from None
        if not engine.allows(host):
            raise ConfigurationError(f"network_server in [lora-broadcast] needs {host} in allowed_targets of [server]")
        return SocketNetworkServer(host, port, engine.clock)

    async def _save_now_and_then(self) -> None:
        while True:
            await self._engine.clock.sleep(SAVE_PERIOD)
            await asyncio.to_thread(self._registry.save)

    def _receive(self, event: Event) -> None:
        """An event of the network server; a failure here must not end the connection."""
        try:
            self._directory.learn(event)
            self._downlinks.learn(event)
            if isinstance(event, Uplink):
                self._uplinks.handle(event)
                if event.port == FRAGMENT_PORT:
                    self._transport.learn(event)
            elif isinstance(event, Ready):
                for command in self._registry.groups():
                    self._server.send(command)
        except Exception:
            log.exception("an event of the network server could not be handled")
