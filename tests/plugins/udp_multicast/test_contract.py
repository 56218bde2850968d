from collections.abc import AsyncIterator

import pytest

from cse.network import Host
from cse.testing.contract import NetworkContract
from cse.testing.device import SimulatedDevice
from plugins.udp_multicast.meters import UdpMeters
from plugins.udp_multicast.network import UdpMulticast
from plugins.udp_multicast.settings import UdpMulticastSettings


class TestUdpMulticast(NetworkContract):
    @pytest.fixture
    async def meters(self) -> AsyncIterator[UdpMeters]:
        meters = UdpMeters([SimulatedDevice("Cmeter1")], port=0)
        await meters.start()
        yield meters
        await meters.stop()

    @pytest.fixture
    def network(self, meters: UdpMeters) -> UdpMulticast:
        return UdpMulticast(UdpMulticastSettings(ack_timeout=0.05, group_port=meters.port))

    @pytest.fixture
    def reachable_host(self, meters: UdpMeters) -> Host:
        return Host("Cmeter1", tuple(meters.points_of_access(SimulatedDevice("Cmeter1"))))

    @pytest.fixture
    def dead_host(self) -> Host:
        return Host("Cmeter2", ("coap://127.7.99.2:9",))
