"""One simulated meter: the rules that a device of a multicast group keeps. Without sockets."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from cse.primitive import CREATED, DELETED, Response, error_response
from cse.testing.device import SimulatedDevice
from plugins.udp_multicast.coap import DELETE, EMPTY, MAX_MESSAGE_ID, NON_LIFETIME, POST, Message, Option, Type, encode
from plugins.udp_multicast.content import CBOR
from plugins.udp_multicast.messages import LOCAL_MULTICAST_GROUP, DeviceRequest, Membership, answer
from plugins.udp_multicast.target import Endpoint, path_to

REMEMBERED_MESSAGES = 64
NOT_CBOR = b"\xff"


class Listening(NamedTuple):
    """A membership, and the originating timestamp of the request that made it: older requests are not for us."""

    membership: Membership
    since: str


class Heard(NamedTuple):
    """A message that was heard: until when a repeat of it is known as one, and what it was answered with."""

    expires: float
    reply: bytes


@dataclass(slots=True)
class Member:
    """A device with its address. `neighbour` is the name it states when it lies; `groups` are by multicast address."""

    device: SimulatedDevice
    ip: str
    neighbour: str
    groups: dict[str, Listening] = field(default_factory=dict)
    _message_id: int = 0
    _heard: OrderedDict[tuple[Endpoint, int], Heard] = field(default_factory=OrderedDict)

    def multicast(
        self, message: Message, request: DeviceRequest, source: Endpoint, address: str, now: float
    ) -> tuple[float, list[bytes]]:
        """The datagrams to answer a multicast request with, and in how many seconds; none to stay silent."""
        listening = self.groups.get(address)
        if listening is None or not self._is_meant(request, listening) or not self.device.hears():
            return 0.0, []
        if (source, message.message_id) in self._heard and now < self._heard[source, message.message_id].expires:
            return 0.0, []
        return listening.membership.window * self.device.random.random(), self.unicast(message, request, source, now)

    def unicast(self, message: Message, request: DeviceRequest, source: Endpoint, now: float) -> list[bytes]:
        """The datagrams to answer a device request with that this meter has heard."""
        heard = self._heard.get((source, message.message_id))
        if heard is None or now >= heard.expires:
            reply = self._carry_out(message, request)
            self._remember((source, message.message_id), Heard(now + NON_LIFETIME, reply))
        elif message.type is Type.CON:
            reply = heard.reply
        else:
            return []
        return [reply for _ in range(1 + self.device.faults.duplicates) if reply and self.device.sends()]

    def acknowledge(self, message: Message, request: DeviceRequest, response: Response) -> list[bytes]:
        """The datagrams to answer a set-up request with."""
        reply = self._reply(message, answer(response, request.request_identifier, self.device.id))
        return [encode(reply)] if self.device.sends() else []

    def join(self, listening: Listening) -> Response:
        """Listen to a group, instead of what was said of this address before."""
        self.groups[listening.membership.address] = listening
        return Response(CREATED)

    def leave(self, request: DeviceRequest) -> tuple[str, Response]:
        """Listen no longer: the multicast address that is left ("" for none), and the answer."""
        for address, listening in self.groups.items():
            if listening.membership.segment == request.path[-1]:
                del self.groups[address]
                return address, Response(DELETED)
        return "", error_response(4004, f"{self.device.id} does not listen to {request.path[-1]}")

    def is_set_up(self, request: DeviceRequest) -> bool:
        """Whether the request makes or ends a membership of this meter."""
        if request.code == POST:
            return request.resource_type == LOCAL_MULTICAST_GROUP and request.path[2:] == (self.device.id,)
        return request.code == DELETE and len(request.path) == 4 and request.path[2] == self.device.id

    def _is_meant(self, request: DeviceRequest, listening: Listening) -> bool:
        membership = listening.membership
        return (
            request.path == path_to(membership.cse_id, membership.segment)
            and request.originating_timestamp >= listening.since
            and self.device.id not in request.exclusions
        )

    def _carry_out(self, message: Message, request: DeviceRequest) -> bytes:
        """The datagram to answer with, b"" where a device stays silent."""
        if request.code != POST or request.resource_type is not None:
            response: Response | None = error_response(4005, "a device takes notifications only")
        else:
            response = self.device.receive(request.request_identifier, request.originating_timestamp, request.content)
        if response is not None:
            return encode(self._reply(message, self._answer(request, response)))
        return encode(Message(Type.ACK, EMPTY, message.message_id)) if message.type is Type.CON else b""

    def _answer(self, request: DeviceRequest, response: Response) -> Message:
        """The answer, as this device's faults have it."""
        faults, chance = self.device.faults, self.device.random
        name = self.neighbour if chance.random() < faults.lies else self.device.id
        told = answer(response, request.request_identifier, name)
        if chance.random() < faults.rubbish:
            return replace(told, payload=NOT_CBOR, options=(*told.options, (Option.CONTENT_FORMAT, bytes((CBOR,)))))
        return told

    def _reply(self, request: Message, reply: Message) -> Message:
        """An answer with the token of its request: within the acknowledgement of a confirmable one, else on its own."""
        if request.type is Type.CON:
            return replace(reply, type=Type.ACK, message_id=request.message_id, token=request.token)
        self._message_id = self._message_id + 1 & MAX_MESSAGE_ID
        return replace(reply, type=Type.NON, message_id=self._message_id, token=request.token)

    def _remember(self, key: tuple[Endpoint, int], heard: Heard) -> None:
        self._heard[key] = heard
        if len(self._heard) > REMEMBERED_MESSAGES:
            self._heard.popitem(last=False)
