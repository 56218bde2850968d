"""What a multicast to other CSEs costs, and whom it may reach. Pure, without input or output."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cse.coap import primitives
from cse.coap.message import MAX_TOKEN, CoapError, encode
from cse.coap.signing import sign
from cse.coap.target import Target, path_to
from cse.multicast.records import Record
from cse.multicast.settings import MulticastSettings
from cse.network import Host, Offer, Reason, Unreachable, Way
from cse.primitive import Request
from cse.protection import Protection

# What the request has more when it goes out to other CSEs: a longer From, the group's request identifier.
ENVELOPE = 160


@dataclass(frozen=True, slots=True)
class Sender:
    """Who would send: a network of this CSE. `condition` says what it takes to be reached by it, for people."""

    network: str
    settings: MulticastSettings
    cse_id: str
    protection: Protection
    condition: str


class Menu:
    """The multicast of one request to the CSEs that listen for a group; `refusal` says why nothing may be sent.

    Its fan-out target stands for all members behind them, and there is no way to name one who is not meant. So it is
    offered only if all of them are meant, with the same tail behind their addresses.
    """

    def __init__(
        self,
        offer_id: str,
        sender: Sender,
        hosts: Sequence[Host],
        request: Request,
        record: Record | None,
        refusal: str = "",
    ) -> None:
        self._id = offer_id
        self._sender = sender
        self._hosts = hosts
        self._request = request
        self._record = record
        self._refusal = refusal
        self._way = self._multicast()

    def reach(self, host: Host) -> Way | Unreachable:
        """The way to one host on another CSE."""
        if self._record is None or member_of(host) not in self._record.joined(host.cse):
            sentence = f"{host.cse} does not listen to the group: {self._sender.condition}"
            return self._excluded(Reason.NOT_JOINED, sentence)
        return self._way

    def _multicast(self) -> Way | Unreachable:
        if self._record is None:
            return self._excluded(Reason.NOT_JOINED, "the group has no multicast to other CSEs")
        if self._refusal:
            return self._excluded(Reason.SECURITY, self._refusal)
        heard = list(self._hearing(self._record))
        tails = {tail_of(host) for host in heard}
        if len(tails) != 1 or (others := self._others(self._record, heard)):
            sentence = "members are addressed in different ways" if len(tails) != 1 else f"{others[0]} would hear it"
            return self._excluded(Reason.SECURITY, sentence)
        return self._priced(self._record, tails.pop(), heard)

    def _hearing(self, record: Record) -> Iterator[Host]:
        """The hosts that hear, or may hear, what is sent."""
        members = {cse: set(listener.members) for cse, listener in record.listening().items()}
        return (host for host in self._hosts if host.cse in members and member_of(host) in members[host.cse])

    def _others(self, record: Record, heard: Sequence[Host]) -> list[str]:
        """Members behind the CSEs that may hear the request and are not meant."""
        meant = {(host.cse, member_of(host)) for host in heard}
        listening = record.listening().items()
        return [member for cse, listener in listening for member in listener.members if (cse, member) not in meant]

    def _priced(self, record: Record, tail: str, heard: Sequence[Host]) -> Way | Unreachable:
        path = path_to(self._sender.cse_id, record.segment, *(tail.split("/") if tail else ()))
        try:
            message = replace(primitives.write(self._request, path), token=bytes(MAX_TOKEN))
            payload = len(encode(sign(message, self._sender.protection))) + ENVELOPE
        except CoapError as error:
            return self._excluded(Reason.PAYLOAD_TOO_LARGE, str(error))
        settings = self._sender.settings
        offer = Offer(
            id=self._id,
            network=self._sender.network,
            broadcast=True,
            fixed=settings.multicast_fixed_cost,
            per_member=_share(settings.multicast_member_cost, heard),
            loss_ppm=settings.multicast_loss_ppm,
            latency_ms=round((record.window + settings.round_trip) * 1000),
            max_payload=settings.max_datagram,
            payload=payload,
        )
        return Way(offer, str(Target(record.address, path)))

    def _excluded(self, reason: Reason, sentence: str) -> Unreachable:
        return Unreachable(self._id, reason, sentence)


def _share(cost: int, hosts: Sequence[Host]) -> int:
    """What one member costs if its CSE does: each CSE answers for all of its members together."""
    return math.ceil(cost * len({host.cse for host in hosts}) / len(hosts))


def member_of(host: Host) -> str:
    """The member that a host on another CSE comes from, as it stands in memberList: SP-relative."""
    member = host.member
    return "/" + member.split("/", 3)[3] if member.startswith("//") and not host.id.startswith("//") else member


def tail_of(host: Host) -> str:
    """What stands in the address of a host behind the member that it comes from."""
    return host.id.removeprefix(member_of(host)).removeprefix("/")


def members_by_cse(hosts: Sequence[Host]) -> dict[str, tuple[str, ...]]:
    """The members behind each CSE, sorted, as its record wants them."""
    found: dict[str, set[str]] = {}
    for host in hosts:
        found.setdefault(host.cse, set()).add(member_of(host))
    return {cse: tuple(sorted(members)) for cse, members in found.items()}
