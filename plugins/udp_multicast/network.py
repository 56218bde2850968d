"""The network object: CoAP over UDP, unicast to one device or multicast to a group."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cse.coap.message import CoapError, Message, encode
from cse.coap.target import Endpoint, Target, endpoint
from cse.network import (
    NO_SET_UP,
    Delivery,
    DeliveryFailed,
    Discard,
    Engine,
    Host,
    Membership,
    Network,
    Reach,
    Reason,
    SetUp,
    Unreachable,
)
from cse.primitive import Operation, Request
from cse.slices import in_slices
from plugins.udp_multicast.answers import Door
from plugins.udp_multicast.conversations import Conversation, Conversations
from plugins.udp_multicast.cses.group_host import GroupHost
from plugins.udp_multicast.cses.member_host import MemberHost
from plugins.udp_multicast.datagrams import DatagramSocket
from plugins.udp_multicast.exchanges import Exchanges
from plugins.udp_multicast.invitation import Inviter
from plugins.udp_multicast.messages import device_request
from plugins.udp_multicast.offers import NETWORK, Audience, Menu
from plugins.udp_multicast.refresh import Refresher
from plugins.udp_multicast.sealing import Sealer
from plugins.udp_multicast.sessions import Sessions
from plugins.udp_multicast.settings import UdpMulticastSettings
from plugins.udp_multicast.setup import SetUps

# Fewer than two devices are no group to the standard (TS-0001 clause 10.2.7.13).
SMALLEST_GROUP = 2


class UdpMulticast(Network):
    """CoAP group communication with devices whose `poa` is `coap://<IPv4 address>:<port>`.

    `set_ups` and `refresher` show what session set-up has cost, which is not part of any request.
    """

    name = NETWORK
    schemes = frozenset(["coap"])
    set_ups: SetUps
    refresher: Refresher
    group_host: GroupHost
    member_host: MemberHost

    def __init__(self, settings: UdpMulticastSettings) -> None:
        settings.check()
        self.policy = self._settings = settings
        self._conversations = Conversations()
        self._latest_multicast = ""

    async def start(self, engine: Engine) -> None:
        self._engine = engine
        documents = engine.documents(NETWORK)
        self._sessions = Sessions(documents, self._settings)
        for session in self._sessions:
            for device, member in session.members.items():
                self._conversations.learn(device, member.endpoint.ip)
        self._socket = DatagramSocket(self._received, self._unreachable, self._dropped)
        self._sealer = Sealer(engine.protection, self._settings.encrypt)
        settings, send = self._settings, self._socket.send
        self._exchanges = Exchanges(
            engine.clock, send, settings.ack_timeout, settings.max_retransmissions, self._sealer.sign
        )
        self._door = Door(engine, NETWORK, self._conversations, self._exchanges, self._socket.send)
        inviter = Inviter(self._exchanges, engine.cse_id, engine.clock, self._sealer)
        self.set_ups = SetUps(self._sessions, inviter, self._settings, engine.clock)
        self.refresher = Refresher(inviter, self._settings.setup_parallel)
        self._open()
        self.group_host = GroupHost(engine, settings, self._sessions, self._conversations, self._sealer)
        self.member_host = MemberHost(engine, settings, send, self._exchanges.next_message_id)
        self.multicast_capability = self.member_host.capability
        self.set_ups.resume()

    def _open(self) -> None:
        """Listen where we listened before, because answers may still be on their way there."""
        table = self._engine.documents(NETWORK).table("socket")
        last = next((int(document["port"]) for document in table), 0)
        settings = self._settings
        port = self._socket.open(
            settings.interface, settings.port or last, settings.receive_buffer, settings.receive_queue
        )
        if port != last:
            table.truncate()
            table.insert({"port": port})

    async def stop(self) -> None:
        await self.refresher.stop()
        await self.set_ups.stop()
        await self.group_host.stop()
        await self.member_host.stop()
        await self._socket.close()

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        """AEs take notifications, CSEs everything that fits."""
        to_cses = self.group_host.menu(hosts, request, group)
        to_devices = await self._device_menu(hosts, request, group)
        return [[to_cses.reach(host)] if host.cse else self._reach(host, to_devices) async for host in in_slices(hosts)]

    async def _device_menu(self, hosts: Sequence[Host], request: Request, group: str) -> Menu | None:
        """None if the request is nothing for devices."""
        if request.operation is not Operation.NOTIFY:
            return None
        session, now = self._sessions.get(group), self._engine.clock.now()
        audience = await Audience.of(hosts, session)
        return Menu(self._settings, self._engine.cse_id, audience, request, now, group, session, self._sealer)

    def _reach(self, host: Host, menu: Menu | None) -> Reach:
        if menu is None:
            return [Unreachable(NETWORK, Reason.OPERATION, "over CoAP, devices take notifications only")]
        found = self._allowed_endpoint(host)
        if isinstance(found, Unreachable):
            return [found]
        self._conversations.learn(host.id, found.ip)
        return menu.reach(host, found)

    def _allowed_endpoint(self, host: Host) -> Endpoint | Unreachable:
        found = endpoint(host)
        if isinstance(found, str):
            return Unreachable(NETWORK, Reason.NO_POA, found)
        if not self._engine.allows(found.ip):
            sentence = f"{found.ip} is not within allowed_targets of [server]"
            return Unreachable(NETWORK, Reason.NOT_ALLOWED, sentence)
        return found

    async def deliver(self, delivery: Delivery) -> None:
        request = delivery.request
        conversation = self._conversations.open(
            request.request_identifier, delivery.deadline, self._engine.clock.now(), self._exchanges.next_message_id
        )
        try:
            target = Target.parse(delivery.address)
            if delivery.offer.broadcast:
                self._multicast(delivery, target, conversation)
                return
            subject = (request.request_identifier, delivery.hosts[0].id)
            message = self._sealer.to_device(device_request(request, target, delivery.deadline), subject[1])
            message = replace(message, token=conversation.token)
        except CoapError as error:
            raise DeliveryFailed(str(error)) from error
        acknowledged = await self._exchanges.deliver(
            message, target.endpoint, subject, delivery.deadline, lambda: delivery.transmitted(1, 0.0)
        )
        session = self._sessions.get(delivery.group)
        if acknowledged and conversation.multicast and session and session.joined(subject[1], target.endpoint):
            self.refresher.refresh(session, subject[1])

    def _multicast(self, delivery: Delivery, target: Target, conversation: Conversation) -> None:
        to_cses = bool(delivery.hosts[0].cse)
        message = self.group_host.message(delivery, target) if to_cses else self._to_devices(delivery, target)
        message = replace(message, token=conversation.token, message_id=conversation.message_id)
        datagram = encode(self._sealer.sign(message))
        if len(datagram) > self._settings.max_datagram:
            raise DeliveryFailed(f"{len(datagram)} bytes are more than a datagram may have")
        try:
            self._socket.send(datagram, target.endpoint)
        except OSError as error:
            raise DeliveryFailed(f"cannot send to {target.endpoint}: {error}") from error
        conversation.multicast = True
        self._latest_multicast = delivery.request.request_identifier
        delivery.transmitted(1, 0.0)

    def _to_devices(self, delivery: Delivery, target: Target) -> Message:
        session = self._sessions.get(delivery.group)
        if session is None or target.path[-1] != session.segment:
            raise DeliveryFailed(f"the multicast session of group {delivery.group} has changed since it was offered")
        return self._sealer.to_group(device_request(delivery.request, target, delivery.deadline))

    def set_up(self, group: str) -> SetUp:
        progress = self.set_ups.progress.get(group)
        return NO_SET_UP if progress is None else SetUp(progress.transmissions)

    async def prepare(self, group: str, members: Sequence[Host]) -> None:
        """Start the set-up and return; members that have not acknowledged it are NOT_JOINED meanwhile."""
        if self._settings.multicast_refusal(self._sealer.signs):
            return
        self.group_host.prepare(group, members)
        wanted: dict[str, Endpoint] = {}
        async for host in in_slices(members):
            where = self._allowed_endpoint(host)
            if not host.cse and isinstance(where, Endpoint) and not self._sealer.refusal(host.id):
                wanted[host.id] = where
                self._conversations.learn(host.id, where.ip)
        self.set_ups.change(group, wanted if len(wanted) >= SMALLEST_GROUP else {})

    def counters(self) -> Mapping[str, int]:
        """What other CSEs have sent by multicast in vain, and how set-ups at other CSEs have gone."""
        ignored = {f"ignored: {reason}": count for reason, count in self.member_host.ignored.items()}
        set_ups = {f"set-up: {outcome}": count for outcome, count in self.group_host.inviter.outcomes.items()}
        return ignored | set_ups

    async def join(self, membership: Membership) -> None:
        self.member_host.memberships.join(membership)

    async def leave(self, identifier: str) -> None:
        self.member_host.memberships.leave(identifier)

    def _received(self, datagram: bytes, sender: Endpoint) -> None:
        self._door.received(datagram, sender)

    def _unreachable(self, destination: Endpoint) -> None:
        self._exchanges.refuse(destination)

    def _dropped(self, count: int) -> None:
        """Lost answers say nothing of their request; whole groups answer the latest multicast request."""
        self._engine.discard(self._latest_multicast, Discard.RECEIVE_BUFFER, count)
