"""A standard CoAP stack as a device: aiocoap listens to the group, and one resource answers what it should."""

import socket
from collections.abc import AsyncIterator, Sequence

import aiocoap  # type: ignore[import-untyped]
import pytest
from aiocoap.message import Direction  # type: ignore[import-untyped]
from aiocoap.numbers.optionnumbers import OptionNumber  # type: ignore[import-untyped]
from aiocoap.resource import PathCapable, Resource  # type: ignore[import-untyped]

from cse.coap.content import CBOR, write
from cse.coap.message import Option
from cse.network import Host
from cse.primitive import OK
from cse.protection import Keys, Trust
from cse.protection.keys import NO_KEYS
from cse.testing.engine import RecordingEngine
from plugins.udp_multicast.network import UdpMulticast
from plugins.udp_multicast.settings import UdpMulticastSettings
from tests.plugins.udp_multicast.keys import KEYS
from tests.plugins.udp_multicast.kit import GROUP, delivery, device_request, way

ADDRESS = "239.192.77.7"
ANSWER = {"m2m:cin": {"con": "done"}}


def options(message: aiocoap.Message, number: int) -> list[bytes]:
    return [option.encode() for option in message.opt.option_list() if option.number == number]


def signer_of(request: aiocoap.Message) -> str | None:
    """What a device can do by the page docs/protection.md, with what its CoAP stack gives it; None if unsigned."""
    signatures = options(request, 65004)
    if not signatures:
        return None
    request.opt.delete_option(OptionNumber(65004))
    request.direction = Direction.OUTGOING
    return Trust.of("/id-in", [KEYS.public]).signer(b"oneM2M CoAP request\n" + request.encode(), signatures[0])


class Device(Resource, PathCapable):  # type: ignore[misc]
    """Notes every request, and answers as the documentation asks of a device."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[aiocoap.Message] = []

    async def render_post(self, request: aiocoap.Message) -> aiocoap.Message:
        self.requests.append(request)
        if options(request, Option.RESOURCE_TYPE):
            return aiocoap.Message(code=aiocoap.CREATED)
        reply = aiocoap.Message(code=aiocoap.CHANGED, payload=write(ANSWER), content_format=CBOR)
        stated = {
            Option.FROM: b"Cstranger",
            Option.REQUEST_IDENTIFIER: options(request, Option.REQUEST_IDENTIFIER)[0],
            Option.RESPONSE_STATUS_CODE: OK.to_bytes(2),
        }
        for number, value in stated.items():
            reply.opt.add_option(OptionNumber(number).create_option(decode=value))
        return reply


@pytest.fixture
def port() -> int:
    """A free one; aiocoap uses IPv6 sockets for IPv4, too."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as free:
        free.bind(("::", 0))
        return int(free.getsockname()[1])


@pytest.fixture
async def device(port: int) -> AsyncIterator[Device]:
    created = Device()
    context = await aiocoap.Context.create_server_context(
        created, bind=("::", port), multicast=[(ADDRESS, "lo")], transports=["udp6"]
    )
    yield created
    await context.shutdown()


def hosts(port: int) -> Sequence[Host]:
    return [Host("Cstranger", (f"coap://127.0.0.1:{port}",)), Host("Cghost", ("coap://127.7.99.5:9",))]


@pytest.mark.parametrize("keys", [NO_KEYS, KEYS], ids=["unsigned", "signed"])
async def test_it_joins_and_answers(device: Device, port: int, keys: Keys) -> None:
    """Signatures are an elective option: who does not know it takes part all the same."""
    engine = RecordingEngine(keys=keys)
    network = UdpMulticast(UdpMulticastSettings(group_addresses=f"{ADDRESS}/32", group_port=port))
    await network.start(engine)
    await network.prepare(GROUP, hosts(port))
    await network.set_ups.settled()
    request, (stranger, _) = device_request(now=engine.clock.now()), hosts(port)
    (reach,) = await network.offers([stranger], request, GROUP)
    deadline = engine.clock.now() + 60
    for broadcast in (True, False):
        chosen = way(reach, broadcast)
        await network.deliver(delivery(request, chosen.offer, chosen.address, [stranger], deadline))
        await engine.answered(1 if broadcast else 2)
    assert [(one.request_identifier, one.originator) for one in engine.answers] == [("r-1", "Cstranger")] * 2
    assert {one.response.status_code for one in engine.answers} == {OK}
    assert engine.answers[0].response.content == ANSWER
    assert engine.discards == {}
    kinds = [request.mtype for request in device.requests]
    assert kinds == [aiocoap.CON, aiocoap.NON, aiocoap.CON]
    assert [signer_of(request) for request in device.requests] == ["/id-in" if keys.signing else None] * 3
    await network.stop()
