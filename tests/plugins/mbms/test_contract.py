"""The contract of all networks. A group message is for all who listen, so others are asked for at the same time."""

from collections.abc import AsyncIterator, Sequence

import pytest

from cse.coap import primitives
from cse.coap.message import decode
from cse.network import Delivery, Host, Reach
from cse.primitive import CREATED, OK, Request, Response
from cse.testing.contract import NetworkContract
from cse.testing.engine import RecordingEngine
from plugins.mbms.network import Mbms
from tests.plugins.mbms.kit import A, B, settings
from tests.plugins.mbms.scef import FakeScef

LISTENING = (A, B)


class Accompanied(Mbms):
    """Asked for some of those who listen, it is asked for the others as well. `asked` are those of the last one."""

    asked: Sequence[Host] = ()

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        others = [host for host in LISTENING if host not in hosts]
        return (await super().offers([*hosts, *others], request, group))[: len(hosts)]

    async def deliver(self, delivery: Delivery) -> None:
        self.asked = delivery.hosts
        await super().deliver(delivery)

    def brings(self, payload: bytes) -> None:
        """The mobile network has brought this to one of the CSEs, whose answer comes as it does to the CSEBase."""
        request = primitives.read(decode(payload))
        if A in self.asked:
            self._engine.answer(request.request_identifier, A.id, Response(OK), self.name)


class TestMbms(NetworkContract):
    @pytest.fixture
    def engine(self) -> RecordingEngine:
        return RecordingEngine(respond=lambda request: Response(CREATED))

    @pytest.fixture
    async def network(self) -> AsyncIterator[Mbms]:
        async with FakeScef() as scef:
            network = Accompanied(settings(scef))
            scef.hears = network.brings
            yield network

    @pytest.fixture
    async def started(self, network: Mbms, engine: RecordingEngine) -> AsyncIterator[Mbms]:
        await network.start(engine)
        await network.prepare("group1", LISTENING)
        await network.set_ups.settled()
        yield network
        await network.stop()

    @pytest.fixture
    def reachable_host(self) -> Host:
        return A

    @pytest.fixture
    def dead_host(self) -> Host:
        return B
