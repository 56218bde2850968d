"""The group-hosting CSE: multicast to other CSEs that host members of a group."""

from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address
from urllib.parse import urlsplit

from cse.network import Delivery, DeliveryFailed, Engine, Host
from cse.primitive import Request
from plugins.udp_multicast.addresses import free_address
from plugins.udp_multicast.coap import Message
from plugins.udp_multicast.conversations import Conversations
from plugins.udp_multicast.cses import primitives
from plugins.udp_multicast.cses.inviter import Inviter
from plugins.udp_multicast.cses.member_host import IP
from plugins.udp_multicast.cses.offers import Menu, member_of
from plugins.udp_multicast.cses.records import Records
from plugins.udp_multicast.cses.setup import SetUps
from plugins.udp_multicast.sealing import Sealer
from plugins.udp_multicast.sessions import Sessions
from plugins.udp_multicast.settings import UdpMulticastSettings
from plugins.udp_multicast.target import Endpoint, Target

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

        def allocate(group: str) -> Endpoint:
            used = sessions.addresses | {record.address.ip for record in self.records}
            return free_address(settings, group, used)

        self.records = Records(engine.documents(DOCUMENTS), allocate)
        self.inviter = Inviter(engine)
        self.set_ups = SetUps(self.records, self.inviter, settings, engine.clock)

    async def stop(self) -> None:
        await self.set_ups.stop()

    def prepare(self, group: str, hosts: Sequence[Host]) -> None:
        """Start the set-up and return."""
        if self._settings.multicast_refusal(self._sealer.signs) or self._sealer.encrypts:
            return
        wanted: dict[str, set[str]] = {}
        for host in hosts:
            if host.cse and host.multicast == IP:
                self._learn(host)
                wanted.setdefault(host.cse, set()).add(member_of(host))
        self.set_ups.change(group, {cse: tuple(sorted(members)) for cse, members in wanted.items()})

    def menu(self, hosts: Sequence[Host], request: Request, group: str) -> Menu:
        """What can be offered for this request."""
        record = self.records.get(group)
        return Menu(self._settings, self._engine.cse_id, hosts, request, group, record, self._sealer)

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
