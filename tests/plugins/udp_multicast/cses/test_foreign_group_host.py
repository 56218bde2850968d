"""A standard CoAP stack as the group host: what aiocoap sends by multicast, our member hosts carry out and answer."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiocoap  # type: ignore[import-untyped]
import pytest
from aiocoap.numbers.optionnumbers import OptionNumber  # type: ignore[import-untyped]

from cse.coap.content import CBOR, write
from cse.coap.message import Option
from cse.network import Membership
from cse.primitive import OK, Response
from cse.testing.engine import RecordingEngine
from plugins.udp_multicast.network import UdpMulticast
from plugins.udp_multicast.settings import UdpMulticastSettings
from tests.plugins.udp_multicast.cses.kit import free_port

GROUP = "239.192.55.7"


class NamedEngine(RecordingEngine):
    """A server with a CSE-ID of its own."""

    def __init__(self, cse_id: str) -> None:
        super().__init__(respond=lambda request: Response(OK, {"m2m:cnt": {"rn": request.to}}))
        self.cse_id = cse_id


@pytest.fixture
async def client() -> AsyncIterator[aiocoap.Context]:
    context = await aiocoap.Context.create_client_context(transports=["udp6"])
    (interface,) = context.request_interfaces
    loop_back = interface.token_interface.message_interface.transport.get_extra_info("socket")
    loop_back.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
    yield context
    await context.shutdown()


def request(port: int) -> aiocoap.Message:
    content = write({"m2m:cnt": {"mni": 3}})
    message = aiocoap.Message(
        code=aiocoap.PUT,
        transport_tuning=aiocoap.Unreliable,
        uri=f"coap://{GROUP}:{port}/~/id-home/c1/box",
        payload=content,
        content_format=CBOR,
    )
    stated = {Option.FROM: b"/id-home/Capp", Option.REQUEST_IDENTIFIER: b"r-1", Option.RELEASE_VERSION: b"3"}
    for number, value in stated.items():
        message.opt.add_option(OptionNumber(number).create_option(decode=value))
    return message


def texts(message: aiocoap.Message, number: int) -> list[str]:
    return [option.encode().decode() for option in message.opt.option_list() if option.number == number]


async def test_two_of_our_servers_answer_it(client: aiocoap.Context) -> None:
    port, engines = free_port(), [NamedEngine("/id-a"), NamedEngine("/id-b")]
    async with AsyncExitStack() as held:
        for number, engine in enumerate(engines):
            network = UdpMulticast(UdpMulticastSettings(interface=f"127.0.12.{number + 1}", group_port=port))
            await network.start(engine)
            held.push_async_callback(network.stop)
            members = (f"{engine.cse_id}/x",)
            await network.join(Membership("lmg", "/id-home", GROUP, "/id-home/c1", members, "/id-home", 0.05))
        asked = client.request(request(port), handle_blockwise=False)
        answer = await asyncio.wait_for(asked.response, 10)
        (name,) = texts(answer, Option.FROM)
        assert name in ("/id-a", "/id-b")
        assert texts(answer, Option.REQUEST_IDENTIFIER) == ["r-1"]
        assert answer.mtype is aiocoap.NON
        assert answer.payload == write({"m2m:cnt": {"rn": f"{name}/x/box"}})
        for engine in engines:
            await engine.until(lambda engine=engine: len(engine.requests) == 1)  # type: ignore[misc]
            (carried_out,) = engine.requests
            assert (carried_out.to, carried_out.originator) == (f"{engine.cse_id}/x/box", "/id-home/Capp")
            assert carried_out.content == {"m2m:cnt": {"mni": 3}}
