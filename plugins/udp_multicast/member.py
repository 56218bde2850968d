"""One simulated meter: the rules that a device of a multicast group keeps. Without sockets."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from cse.coap.content import CBOR
from cse.coap.message import (
    DELETE,
    EMPTY,
    MAX_MESSAGE_ID,
    NON_LIFETIME,
    POST,
    CoapError,
    Message,
    Option,
    Type,
    encode,
)
from cse.coap.target import Endpoint, path_to
from cse.primitive import CREATED, DELETED, Response, error_response
from cse.protection import Refused
from cse.testing.device import SimulatedDevice
from plugins.udp_multicast.guard import REQUESTS, Guard
from plugins.udp_multicast.messages import LOCAL_MULTICAST_GROUP, DeviceRequest, Membership, answer
from plugins.udp_multicast.sealing import with_code

REMEMBERED_MESSAGES = 64
NOT_CBOR = b"\xff"

# Carries out a request that makes or ends a membership of a meter.
SetUp = Callable[["Member", DeviceRequest], Response]


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
    """A device with its address. `neighbour` is the name it states when it lies; `groups` are by multicast address.

    The `guard` keeps its keys.
    """

    device: SimulatedDevice
    ip: str
    neighbour: str
    guard: Guard = field(default_factory=Guard)
    groups: dict[str, Listening] = field(default_factory=dict)
    _message_id: int = 0
    _heard: OrderedDict[tuple[Endpoint, int], Heard] = field(default_factory=OrderedDict)

    def multicast(self, message: Message, source: Endpoint, address: str, now: float) -> tuple[float, list[bytes]]:
        """The datagrams to answer a multicast request with, and in how many seconds; none to stay silent."""
        listening = self.groups.get(address)
        if listening is None or not self.device.hears() or self._heard_before(message, source, now):
            return 0.0, []
        membership = listening.membership
        try:
            opened = self.guard.open(message, membership.secret)
            is_addressed = opened.request.path == path_to(membership.cse_id, membership.segment)
            self.guard.expect(opened, sender=membership.cse_id, is_addressed=is_addressed)
            if not is_addressed or not self._is_meant(opened.request, listening):
                return 0.0, []
            self.guard.admit(opened, REQUESTS, now)
        except Refused as refused:
            self.device.refused[refused.refusal] += 1
            return 0.0, []
        reply = self._remember(message, source, now, self._carry_out(message, opened.request))
        return membership.window * self.device.random.random(), self._copies(reply)

    def unicast(self, message: Message, source: Endpoint, now: float, set_up: SetUp) -> list[bytes]:
        """The datagrams to answer a request with that only this meter has heard."""
        if heard := self._heard_before(message, source, now):
            return self._copies(heard.reply) if message.type is Type.CON else []
        try:
            opened = self.guard.open(message, self.guard.secret)
            request = opened.request
            is_addressed = request.path[:3] == path_to(opened.signer, self.device.id)
            self.guard.expect(opened, sender=opened.signer, is_addressed=is_addressed)
            self.guard.admit(opened, self._track(request), now)
        except Refused as refused:
            self.device.refused[refused.refusal] += 1
            return []
        if self._is_set_up(request):
            reply = self._remember(message, source, now, self._acknowledge(message, request, set_up(self, request)))
            return [reply] if self.device.sends() else []
        return self._copies(self._remember(message, source, now, self._carry_out(message, request)))

    def restart(self) -> None:
        """Forget everything but what devices must keep."""
        self.groups.clear()
        self._heard.clear()
        self.guard.restart()

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

    def _is_set_up(self, request: DeviceRequest) -> bool:
        """Whether the request makes or ends a membership of this meter."""
        if request.code == POST:
            return request.resource_type == LOCAL_MULTICAST_GROUP.number and request.path[2:] == (self.device.id,)
        return request.code == DELETE and len(request.path) == 4 and request.path[2] == self.device.id

    def _is_meant(self, request: DeviceRequest, listening: Listening) -> bool:
        return request.originating_timestamp >= listening.since and self.device.id not in request.exclusions

    def _track(self, request: DeviceRequest) -> str:
        """What a request must be newer than: others, or what has been said of the same group."""
        if not self._is_set_up(request):
            return REQUESTS
        try:
            return request.path[-1] if request.code == DELETE else Membership.read(request).segment
        except CoapError:
            return ""

    def _heard_before(self, message: Message, source: Endpoint, now: float) -> Heard | None:
        """What was answered to this very message."""
        heard = self._heard.get((source, message.message_id))
        return heard if heard and now < heard.expires else None

    def _acknowledge(self, message: Message, request: DeviceRequest, response: Response) -> bytes:
        return encode(self._reply(message, answer(response, request.request_identifier, self.device.id)))

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
        reply = with_code(reply, self.guard.secret)
        if request.type is Type.CON:
            return replace(reply, type=Type.ACK, message_id=request.message_id, token=request.token)
        self._message_id = self._message_id + 1 & MAX_MESSAGE_ID
        return replace(reply, type=Type.NON, message_id=self._message_id, token=request.token)

    def _copies(self, reply: bytes) -> list[bytes]:
        """As often as this device sends it and the medium does not lose it."""
        return [reply for _ in range(1 + self.device.faults.duplicates) if reply and self.device.sends()]

    def _remember(self, message: Message, source: Endpoint, now: float, reply: bytes) -> bytes:
        self._heard[source, message.message_id] = Heard(now + NON_LIFETIME, reply)
        if len(self._heard) > REMEMBERED_MESSAGES:
            self._heard.popitem(last=False)
        return reply
