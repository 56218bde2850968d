"""A network whose group has members here and on other CSEs: two multicasts, each with rules of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import pytest

from cse.coap import primitives
from cse.coap.message import GET, Message, Type, decode, encode
from cse.coap.target import Endpoint
from cse.multicast.addresses import free_address
from cse.network import DeliveryFailed, Discard, Host, Reach, Reason, Unreachable, Way
from cse.primitive import CREATED, OK, Operation, Request, Response
from cse.protection import Keys
from cse.testing.engine import RecordingEngine
from plugins.udp_multicast.conversations import Conversations
from plugins.udp_multicast.cses.answering import NOT_ACCEPTABLE, aggregate
from plugins.udp_multicast.cses.group_host import GroupHost
from plugins.udp_multicast.messages import answer
from plugins.udp_multicast.network import UdpMulticast
from plugins.udp_multicast.sealing import Sealer
from plugins.udp_multicast.sessions import Sessions
from plugins.udp_multicast.settings import UdpMulticastSettings
from tests.plugins.udp_multicast.cses.kit import free_port
from tests.plugins.udp_multicast.kit import GROUP, delivery, way

METER = Host("Cmeter", ("coap://127.7.0.1:5683",))
RETRIEVE = Request(Operation.RETRIEVE, "cse-in/city/fopt", "/id-in/Capp", "r-9", group_request_identifier="id-in.9")


def cse_host(name: str, ip: str, multicast: int = 2) -> Host:
    member = f"/id-{name}/cse-{name}/c1"
    return Host(member, (f"http://{ip}:8080",), cse=f"/id-{name}", member=member, multicast=multicast)


A, B = cse_host("a", "127.0.13.1"), cse_host("b", "127.0.13.2")


class Ear:
    """Listens to the multicast address of the CSEs, and answers in the name of one of them."""

    def __init__(self, group: Endpoint, ip: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(group)
        joined = socket.inet_aton(group.ip) + socket.inet_aton("127.0.0.1")
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
        self._socket.setblocking(False)
        self._voice = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._voice.bind((ip, 0))

    async def hears(self) -> tuple[Message, Endpoint]:
        loop = asyncio.get_running_loop()
        datagram, sender = await asyncio.wait_for(loop.sock_recvfrom(self._socket, 8192), 10)
        return decode(datagram), Endpoint(*sender)

    def answers(self, message: Message, home: Endpoint, originator: str, response: Response) -> None:
        told = answer(response, primitives.read(message).request_identifier, originator)
        self._voice.sendto(encode(replace(told, token=message.token, message_id=7)), home)

    def close(self) -> None:
        self._socket.close()
        self._voice.close()


@dataclass
class Scene:
    """A network whose group has a meter and two other CSEs, which listen; and who hears what they hear."""

    network: UdpMulticast
    engine: RecordingEngine
    ear: Ear

    async def offered(self, hosts: Sequence[Host], request: Request = RETRIEVE) -> list[Reach]:
        return await self.network.offers(hosts, request, GROUP)

    async def send(self, request: Request = RETRIEVE) -> tuple[Message, Endpoint]:
        """By multicast; what arrives, and from where."""
        (reach, _) = await self.offered([A, B], request)
        chosen = way(reach, broadcast=True)
        deadline = self.engine.clock.now() + 60
        await self.network.deliver(delivery(request, chosen.offer, chosen.address, [A, B], deadline))
        return await self.ear.hears()


@pytest.fixture
async def one() -> AsyncIterator[Scene]:
    engine = RecordingEngine(respond=lambda request: Response(CREATED))
    network = UdpMulticast(UdpMulticastSettings(group_port=free_port()))
    await network.start(engine)
    await network.prepare(GROUP, [METER, A, B])
    await network.group_host.set_ups.settled()
    (record,) = network.group_host.records
    scene = Scene(network, engine, Ear(record.address, "127.0.13.1"))
    yield scene
    scene.ear.close()
    await network.stop()


async def test_it_goes_out_as_the_standard_has_it(one: Scene) -> None:
    message, _ = await one.send()
    assert (message.type, message.code) == (Type.NON, GET)
    (record,) = one.network.group_host.records
    assert primitives.read(message) == RETRIEVE.derive(to=f"/id-in/{record.segment}")


async def test_a_repetition_is_the_same_message(one: Scene) -> None:
    assert await one.send() == await one.send()


async def test_answers_count_from_where_the_cse_lives(one: Scene) -> None:
    message, home = await one.send()
    items = [{"rsc": OK, "rqi": "r-9", "fr": A.id}, {"rsc": NOT_ACCEPTABLE, "rqi": "r-9", "fr": "other"}]
    for originator in ("/id-b", "/id-a"):
        one.ear.answers(message, home, originator, aggregate(items))
    ((rqi, originator, response, network),) = await one.engine.answered(1)
    assert (rqi, originator, network) == ("r-9", "/id-a", one.network.name)
    assert response == aggregate(items[:1])
    assert one.engine.discards == {Discard.WRONG_ADDRESS: 1}


async def test_what_is_too_large_all_in_all_is_silence(one: Scene) -> None:
    message, home = await one.send()
    one.ear.answers(message, home, "/id-a", Response(NOT_ACCEPTABLE))
    one.ear.answers(message, home, "/id-a", Response(4103))
    assert [entry.response.status_code for entry in await one.engine.answered(1)] == [4103]


async def test_aes_get_notifications_only_and_have_no_part_in_it(one: Scene) -> None:
    meter, *cses = await one.offered([METER, A, B])
    assert [entry.reason for entry in meter if isinstance(entry, Unreachable)] == [Reason.OPERATION]
    assert all(isinstance(entry, Way) for reach in cses for entry in reach)
    meter, *cses = await one.offered(
        [METER, A, B], RETRIEVE.derive(operation=Operation.NOTIFY, content={"m2m:sgn": {}})
    )
    assert [entry.offer.broadcast for entry in meter if isinstance(entry, Way)] == [False]
    assert all(way(reach, broadcast=True).address.startswith("coap://239.") for reach in cses)


async def test_what_has_changed_since_it_was_offered_is_not_sent(one: Scene) -> None:
    (reach, _) = await one.offered([A, B])
    chosen = way(reach, broadcast=True)
    one.network.group_host.prepare(GROUP, [METER])
    await one.network.group_host.set_ups.settled()
    with pytest.raises(DeliveryFailed, match="has changed"):
        await one.network.deliver(delivery(RETRIEVE, chosen.offer, chosen.address, [A, B], 2e9))


async def test_a_request_that_has_grown_too_large_is_not_sent(one: Scene) -> None:
    (reach, _) = await one.offered([A, B])
    chosen = way(reach, broadcast=True)
    large = RETRIEVE.derive(operation=Operation.UPDATE, content={"m2m:cnt": {"lbl": ["x" * 1200]}})
    with pytest.raises(DeliveryFailed, match="more than a datagram"):
        await one.network.deliver(delivery(large, chosen.offer, chosen.address, [A, B], 2e9))


@pytest.mark.parametrize("settings", [{"interface": "192.0.2.1"}, {"encrypt": True}])
async def test_nobody_is_set_up_for_what_must_not_be_sent(settings: dict[str, object]) -> None:
    engine = RecordingEngine(keys=Keys(master=bytes(32)))
    chosen = UdpMulticastSettings(**settings)  # type: ignore[arg-type]
    sealer = Sealer(engine.protection, chosen.encrypt)
    host = GroupHost(engine, chosen, Sessions(engine.documents("test"), chosen), Conversations(), sealer)
    host.prepare(GROUP, [A, B])
    await host.set_ups.settled()
    assert (engine.requests, list(host.records)) == ([], [])
    await host.stop()


async def test_addresses_are_not_those_of_devices(one: Scene) -> None:
    (record,) = one.network.group_host.records
    used = {record.address.ip}
    assert free_address(UdpMulticastSettings(), GROUP, used).ip != record.address.ip
