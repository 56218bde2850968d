"""What the tests of member hosts need: one that listens on a socket, and a group host that is a plain socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cse.coap import primitives
from cse.coap.message import Message, Type, decode, encode
from cse.coap.target import Endpoint
from cse.network import Membership
from cse.primitive import OK, Operation, Request, Response
from cse.testing.engine import RecordingEngine
from cse.timing import precise_timestamp
from plugins.udp_multicast.cses.member_host import MemberHost
from plugins.udp_multicast.messages import Answer, read_answer
from plugins.udp_multicast.settings import UdpMulticastSettings

GROUP_HOST = "/id-home"
HOME = Endpoint("127.0.11.1", 4711)
IP = "239.192.55.1"
TARGET = f"{GROUP_HOST}/c1"
CSE = RecordingEngine.cse_id
MEMBERS = (f"{CSE}/cse-in/a", f"{CSE}/cse-in/b")


def membership(port: int, members: tuple[str, ...] = MEMBERS, window: float | None = 0.0, **changes: Any) -> Membership:
    values: dict[str, Any] = {
        "identifier": "lmg1",
        "address": f"{IP}:{port}",
        "target": TARGET,
        "response_target": GROUP_HOST,
    }
    return Membership(group_host=GROUP_HOST, members=members, window=window, **{**values, **changes})


@dataclass
class Wire:
    """What has been sent, with its destination; nothing can be while it is `broken`."""

    sent: list[tuple[bytes, Endpoint]] = field(default_factory=list)
    broken: bool = False
    tried: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, datagram: bytes, destination: Endpoint) -> None:
        self.tried.set()
        if self.broken:
            raise OSError("the network is down")
        self.sent.append((datagram, destination))


@dataclass
class Scene:
    """A member host, the server that it sees, and what it sends. Multicast comes from HOME."""

    host: MemberHost
    engine: RecordingEngine
    wire: Wire
    port: int

    @property
    def sent(self) -> list[tuple[bytes, Endpoint]]:
        return self.wire.sent

    def request(self, operation: Operation = Operation.RETRIEVE, rqi: str = "r-1", **changes: Any) -> Request:
        return Request(operation, TARGET, "/id-home/Capp", rqi, **changes)

    def datagram(self, request: Request, message_id: int = 1, tail: str = "", **changes: Any) -> bytes:
        path = ("~", *f"{request.to}/{tail}".strip("/").split("/"))
        values: dict[str, Any] = {"type": Type.NON, "message_id": message_id, "token": b"12345678"} | changes
        message = primitives.write(request, path)
        return encode(Message(code=message.code, options=message.options, payload=message.payload, **values))

    def hears(self, datagram: bytes) -> None:
        """As if it had come to the group's address."""
        self.host.heard(datagram, HOME, Endpoint(IP, self.port))

    def expires(self, seconds: float) -> str:
        return precise_timestamp(self.engine.clock.now() + seconds)

    async def answers(self, count: int) -> list[tuple[Message, Answer, Endpoint]]:
        """What it has answered, once there is so much."""
        async with asyncio.timeout(10):
            while len(self.sent) < count:
                self.wire.tried.clear()
                await self.wire.tried.wait()
        messages = [(decode(datagram), destination) for datagram, destination in self.sent]
        return [(message, read_answer(message), destination) for message, destination in messages]


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@asynccontextmanager
async def scene(
    *,
    respond: Callable[[Request], Response] = lambda request: Response(OK),
    engine: RecordingEngine | None = None,
    **settings: Any,
) -> AsyncIterator[Scene]:
    """A member host that listens to nothing yet."""
    engine = engine or RecordingEngine(respond=respond)
    port, wire = free_port(), Wire()
    identifiers = iter(range(1, 60_000))
    values: dict[str, Any] = {"interface": "127.0.11.2", "group_port": port} | settings
    host = MemberHost(engine, UdpMulticastSettings(**values), wire.send, identifiers.__next__)
    try:
        yield Scene(host, engine, wire, port)
    finally:
        await host.stop()
