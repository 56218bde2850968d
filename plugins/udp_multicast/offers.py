"""What this network offers for a request: sizes, costs, answer windows. Pure, without input or output."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from cse.coap.message import MAX_TOKEN, CoapError, Message, encode
from cse.coap.target import Endpoint, Target, path_to
from cse.network import Host, Offer, Reason, Unreachable, Way
from cse.primitive import Request
from cse.slices import in_slices
from plugins.udp_multicast.messages import device_request
from plugins.udp_multicast.sealing import Sealer
from plugins.udp_multicast.sessions import Session
from plugins.udp_multicast.settings import UdpMulticastSettings

NETWORK = "udp-multicast"
UNICAST = "udp-unicast"
# A thousand unicast requests a second: what sending to many one by one adds to the time of the last.
UNICAST_PER_MEMBER_US = 1000


def size(message: Message, sealer: Sealer) -> int:
    """Bytes of the datagram that carries this message, signed; CoapError when it cannot be written."""
    return len(encode(sealer.sign(replace(message, token=bytes(MAX_TOKEN)))))


def unicast_target(cse_id: str, host: str, endpoint: Endpoint) -> Target:
    """A single device, addressed by its AE-ID."""
    return Target(endpoint, path_to(cse_id, host))


class Audience(NamedTuple):
    """Of the devices that a request is meant for the one with the longest name, and who else would hear a multicast."""

    longest: str
    others: list[str]

    @classmethod
    async def of(cls, hosts: Iterable[Host], session: Session | None) -> "Audience":
        """There may be 100,000 of them."""
        meant: set[str] = set()
        longest, most = "", 0
        async for host in in_slices(hosts):
            if not host.cse:
                meant.add(host.id)
                length = len(host.id.encode())
                if length > most:
                    longest, most = host.id, length
        listening = list(session.members) if session else []
        return cls(longest, sorted([device async for device in in_slices(listening) if device not in meant]))


class Menu:
    """The offers for one request to devices of one group."""

    def __init__(
        self,
        settings: UdpMulticastSettings,
        cse_id: str,
        audience: Audience,
        request: Request,
        now: float,
        group: str,
        session: Session | None,
        sealer: Sealer,
    ) -> None:
        self._settings = settings
        self._cse_id = cse_id
        self._audience = audience
        self._request = request
        self._now = now
        self._session = session
        self._sealer = sealer
        self._multicast_id = f"{NETWORK}:{group}"
        self._group = group
        self._unicast = self._unicast_offer()
        self._multicast = self._multicast_way()

    def reach(self, host: Host, endpoint: Endpoint) -> list[Way | Unreachable]:
        """The ways to one host that listens there."""
        if refusal := self._sealer.refusal(host.id):
            return [Unreachable(NETWORK, Reason.SECURITY, refusal)]
        unicast = self._unicast
        if isinstance(unicast, Offer):
            target = unicast_target(self._cse_id, host.id, endpoint)
            ways: list[Way | Unreachable] = [Way(unicast, str(target))]
        else:
            ways = [unicast]
        if self._group:
            ways.append(self._reach_by_multicast(host, endpoint))
        return ways

    def _reach_by_multicast(self, host: Host, endpoint: Endpoint) -> Way | Unreachable:
        if self._session and not self._session.joined(host.id, endpoint):
            return self._excluded(Reason.NOT_JOINED, "the device has not yet acknowledged that it listens to the group")
        return self._multicast

    def _excluded(self, reason: Reason, sentence: str) -> Unreachable:
        return Unreachable(self._multicast_id, reason, sentence)

    def _unicast_offer(self) -> Offer | Unreachable:
        longest = self._audience.longest
        target = unicast_target(self._cse_id, longest, Endpoint("127.0.0.1", 0))
        try:
            message = device_request(self._request, target, self._now)
            payload = size(self._sealer.to_device(message, longest), self._sealer)
        except CoapError as error:
            return Unreachable(UNICAST, Reason.PAYLOAD_TOO_LARGE, str(error))
        return Offer(
            id=UNICAST,
            network=NETWORK,
            broadcast=False,
            fixed=0,
            per_member=self._settings.unicast_cost,
            loss_ppm=0,
            latency_ms=round(self._settings.round_trip * 1000),
            latency_per_member_us=UNICAST_PER_MEMBER_US,
            max_payload=self._settings.max_datagram,
            payload=payload,
        )

    def _multicast_way(self) -> Way | Unreachable:
        if refusal := self._settings.multicast_refusal(self._sealer.signs):
            return self._excluded(Reason.SECURITY, refusal)
        if self._session is None:
            return self._excluded(Reason.NOT_JOINED, "the group has no multicast session; it needs two CoAP devices")
        others = self._audience.others
        if len(others) > self._settings.max_exclusions:
            sentence = f"{len(others)} others would hear it, {others[0]} for example"
            return self._excluded(
                Reason.SECURITY, f"{sentence}; at most {self._settings.max_exclusions} can be named as not meant"
            )
        target = Target(self._session.address, path_to(self._cse_id, self._session.segment), tuple(others))
        try:
            message = device_request(self._request, target, self._now)
            payload = size(self._sealer.to_group(message), self._sealer)
        except CoapError as error:
            return self._excluded(Reason.PAYLOAD_TOO_LARGE, str(error))
        return Way(self._multicast_offer(self._session, payload), str(target))

    def _multicast_offer(self, session: Session, payload: int) -> Offer:
        return Offer(
            id=self._multicast_id,
            network=NETWORK,
            broadcast=True,
            fixed=self._settings.multicast_fixed_cost,
            per_member=self._settings.multicast_member_cost,
            loss_ppm=self._settings.multicast_loss_ppm,
            latency_ms=round((session.window + self._settings.round_trip) * 1000),
            max_payload=self._settings.max_datagram,
            payload=payload,
        )
