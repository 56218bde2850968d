"""The group-hosting CSE: multicast to other CSEs that host members of a group."""

from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address
from urllib.parse import urlsplit

from cse.coap import primitives
from cse.coap.message import Message
from cse.coap.target import Endpoint, Target
from cse.multicast.addresses import free_address
from cse.multicast.bearer import Bearer
from cse.multicast.inviter import Inviter
from cse.multicast.offers import Menu, Sender, members_by_cse
from cse.multicast.records import Records
from cse.multicast.setup import SetUps
from cse.network import Delivery, DeliveryFailed, Engine, Host
from cse.primitive import Request
from plugins.udp_multicast.conversations import Conversations
from plugins.udp_multicast.cses.member_host import IP
from plugins.udp_multicast.messages import LOCAL_MULTICAST_GROUP
from plugins.udp_multicast.offers import NETWORK
from plugins.udp_multicast.sealing import Sealer
from plugins.udp_multicast.sessions import Sessions
from plugins.udp_multicast.settings import UdpMulticastSettings

DOCUMENTS = "udp-multicast-cses"


class GroupHost:
    """`records` say which CSEs listen for which group, `set_ups` brings them to it, `inviter` counts what that costs.

    AEs take notifications only, and CSEs everything: the two have fan-out targets of their own.
    """

    def __init__(
        self,
        engine: Engine,
        settings: UdpMulticastSettings,
        sessions: Sessions,
        conversations: Conversations,
        sealer: Sealer,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._conversations = conversations
        self._sealer = sealer
        condition = "it takes two CSEs with multicastCapability 2 (IP)"
        self._sender = Sender(NETWORK, settings, engine.cse_id, sealer.protection, condition)

        def allocate(group: str) -> Endpoint:
            used = sessions.addresses | {record.address.ip for record in self.records}
            return free_address(settings, group, used)

        self.records = Records(engine.documents(DOCUMENTS), allocate)
        self.inviter = Inviter(engine, LOCAL_MULTICAST_GROUP, Bearer())
        self.set_ups = SetUps(self.records, self.inviter, settings, engine.clock)

    async def stop(self) -> None:
        await self.set_ups.stop()

    def prepare(self, group: str, hosts: Sequence[Host]) -> None:
        """Start the set-up and return."""
        if self._refusal():
            return
        able = [host for host in hosts if host.cse and host.multicast == IP]
        for host in able:
            self._learn(host)
        self.set_ups.change(group, members_by_cse(able))

    def menu(self, hosts: Sequence[Host], request: Request, group: str) -> Menu:
        """What can be offered for this request."""
        record, refusal = self.records.get(group), self._refusal()
        return Menu(f"{NETWORK}:{group}:cses", self._sender, hosts, request, record, refusal)

    def _refusal(self) -> str:
        """Why nothing may be sent, "" where it may."""
        if refusal := self._settings.multicast_refusal(self._sealer.signs):
            return refusal
        return "what is encrypted for devices (encrypt) other CSEs cannot read" if self._sealer.encrypts else ""

    def message(self, delivery: Delivery, target: Target) -> Message:
        """What is sent, but for token and message identifier."""
        record = self.records.get(delivery.group)
        if record is None or record.segment not in target.path:
            raise DeliveryFailed(f"the multicast of group {delivery.group} has changed since it was offered")
        for host in {host.cse: host for host in delivery.hosts}.values():
            self._learn(host)
        return primitives.write(delivery.request, target.path)

    def _learn(self, host: Host) -> None:
        """Where a CSE lives is known if what it says of that is one IPv4 address; others may answer from anywhere."""
        names = {urlsplit(address).hostname for address in host.points_of_access}
        with suppress(ValueError):
            (name,) = names
            self._conversations.learn(host.cse, str(IPv4Address(name or "")))
