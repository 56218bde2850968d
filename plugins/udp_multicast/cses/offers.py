"""What a multicast to other CSEs costs, and whom it may reach. Pure, without input or output."""

import math
from collections.abc import Sequence

from cse.network import Host, Offer, Reason, Unreachable, Way
from cse.primitive import Request
from plugins.udp_multicast.coap import CoapError
from plugins.udp_multicast.cses import primitives
from plugins.udp_multicast.cses.records import Record
from plugins.udp_multicast.offers import NETWORK, size
from plugins.udp_multicast.sealing import Sealer
from plugins.udp_multicast.settings import UdpMulticastSettings
from plugins.udp_multicast.target import Target, path_to

# What the request has more when it goes out to other CSEs: a longer From, the group's request identifier.
ENVELOPE = 160


class Menu:
    """The multicast of one request to the CSEs that listen for a group.

    Its fan-out target stands for all members behind them, and there is no way to name one who is not meant. So it is
    offered only if all of them are meant, with the same tail behind their addresses.
    """

    def __init__(
        self,
        settings: UdpMulticastSettings,
        cse_id: str,
        hosts: Sequence[Host],
        request: Request,
        group: str,
        record: Record | None,
        sealer: Sealer,
    ) -> None:
        self._settings = settings
        self._cse_id = cse_id
        self._hosts = hosts
        self._request = request
        self._id = f"{NETWORK}:{group}:cses"
        self._record = record
        self._sealer = sealer
        self._way = self._multicast()

    def reach(self, host: Host) -> Way | Unreachable:
        """The way to one host on another CSE."""
        if self._record is None or member_of(host) not in self._record.joined(host.cse):
            sentence = f"{host.cse} does not listen to the group: it takes two CSEs with multicastCapability 2 (IP)"
            return self._excluded(Reason.NOT_JOINED, sentence)
        return self._way

    def _multicast(self) -> Way | Unreachable:
        if self._record is None:
            return self._excluded(Reason.NOT_JOINED, "the group has no multicast to other CSEs")
        if refusal := self._settings.multicast_refusal(self._sealer.signs):
            return self._excluded(Reason.SECURITY, refusal)
        if self._sealer.encrypts:
            return self._excluded(Reason.SECURITY, "what is encrypted for devices (encrypt) other CSEs cannot read")
        tails = {tail_of(host) for host in self._hosts if host.cse}
        if len(tails) != 1 or (others := self._others(self._record)):
            sentence = "members are addressed in different ways" if len(tails) != 1 else f"{others[0]} would hear it"
            return self._excluded(Reason.SECURITY, sentence)
        return self._priced(self._record, tails.pop())

    def _others(self, record: Record) -> list[str]:
        """Members behind the CSEs that may hear the request and are not meant."""
        meant = {(host.cse, member_of(host)) for host in self._hosts if host.cse}
        listening = record.listening().items()
        return [member for cse, listener in listening for member in listener.members if (cse, member) not in meant]

    def _priced(self, record: Record, tail: str) -> Way | Unreachable:
        path = path_to(self._cse_id, record.segment, *(tail.split("/") if tail else ()))
        try:
            payload = size(primitives.write(self._request, path), self._sealer) + ENVELOPE
        except CoapError as error:
            return self._excluded(Reason.PAYLOAD_TOO_LARGE, str(error))
        settings = self._settings
        offer = Offer(
            id=self._id,
            network=NETWORK,
            broadcast=True,
            fixed=settings.multicast_fixed_cost,
            per_member=self._share(settings.multicast_member_cost),
            loss_ppm=settings.multicast_loss_ppm,
            latency_ms=round((record.window + settings.round_trip) * 1000),
            max_payload=settings.max_datagram,
            payload=payload,
        )
        return Way(offer, str(Target(record.address, path)))

    def _share(self, cost: int) -> int:
        """What one member costs if its CSE does: each CSE answers for all of its members together."""
        cses = [host.cse for host in self._hosts if host.cse]
        return math.ceil(cost * len(set(cses)) / len(cses))

    def _excluded(self, reason: Reason, sentence: str) -> Unreachable:
        return Unreachable(self._id, reason, sentence)


def member_of(host: Host) -> str:
    """The member that a host on another CSE comes from, as it stands in memberList: SP-relative."""
    member = host.member
    return "/" + member.split("/", 3)[3] if member.startswith("//") and not host.id.startswith("//") else member


def tail_of(host: Host) -> str:
    """What stands in the address of a host behind the member that it comes from."""
    return host.id.removeprefix(member_of(host)).removeprefix("/")
