import pytest

from cse.config import Settings
from cse.network import Host, Network
from cse.primitive import OK, Request
from cse.testing.contract import NetworkContract
from cse.testing.engine import RecordingEngine
from plugins.loopback import Loopback, register_networks


class TestLoopback(NetworkContract):
    @pytest.fixture
    def network(self) -> Loopback:
        return Loopback()

    @pytest.fixture
    def reachable_host(self) -> Host:
        return Host("Cmeter1", ("elsewhere://x", "loopback://meter1"))

    @pytest.fixture
    def dead_host(self) -> Host:
        return Host("Cmeter2", ("loopback://silent",))

    async def test_the_answer_is_what_was_asked(
        self, started: Network, engine: RecordingEngine, reachable_host: Host, request_: Request
    ) -> None:
        await self.deliver_first(started, reachable_host, request_)
        assert engine.answers[0].response.status_code == OK
        assert engine.answers[0].response.content == request_.content


def test_the_plugin_registers_the_network() -> None:
    (network,) = register_networks(Settings())
    assert network.name == "loopback"
