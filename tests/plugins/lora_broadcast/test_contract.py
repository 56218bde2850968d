"""The contract tests, over TCP, on a simulation that runs some thousand times faster than the clock."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from cse.network import Host
from cse.testing.clock import settle
from cse.testing.contract import GROUP, NetworkContract, ways
from cse.testing.engine import RecordingEngine
from cse.timing import SystemClock
from plugins.lora_broadcast.network import LoRaBroadcast
from plugins.lora_broadcast.radio.door import Door
from plugins.lora_broadcast.radio.simulation import Simulation, dev_eui
from plugins.lora_broadcast.settings import LoRaSettings
from tests.plugins.lora_broadcast.kit import build_meters, device_request, hosts_of, one_gateway

SPEED = 2000.0


class TestLoRaBroadcast(NetworkContract):
    @pytest.fixture
    async def port(self) -> AsyncIterator[int]:
        """A network server with three meters, of which the third hears nothing."""
        meters = build_meters(3)
        meters[dev_eui(3)].faults.deaf = True
        door = Door(Simulation(one_gateway(), meters), SPEED, SystemClock())
        async with door.open("127.0.0.1", 0) as port:
            time = asyncio.create_task(door.let_time_pass())
            yield port
            time.cancel()
            await asyncio.gather(time, return_exceptions=True)

    @pytest.fixture
    def network(self, port: int) -> LoRaBroadcast:
        return LoRaBroadcast(LoRaSettings(network_server=f"127.0.0.1:{port}", speed=SPEED))

    @pytest.fixture
    def reachable_host(self) -> Host:
        return hosts_of(build_meters(3))[0]

    @pytest.fixture
    def dead_host(self) -> Host:
        return hosts_of(build_meters(3))[2]

    @pytest.fixture
    async def started(
        self, network: LoRaBroadcast, engine: RecordingEngine, reachable_host: Host, dead_host: Host
    ) -> AsyncIterator[LoRaBroadcast]:
        await network.start(engine)
        await network.prepare(GROUP, [reachable_host, dead_host])
        async with asyncio.timeout(self.patience):
            while len(ways((await network.offers([reachable_host], device_request("other"), GROUP))[0])) < 2:
                await settle()
        yield network
        await network.stop()
