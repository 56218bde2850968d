"""What a receiver does before it looks at a request: who has signed it, can it be read, is it new."""

from collections import OrderedDict
from functools import lru_cache
from typing import NamedTuple

from cse.coap.message import Message, Option
from cse.coap.signing import signer
from cse.errors import BadRequest
from cse.protection import Freshness, Refusal, Refused, Secret, Trust
from cse.protection.freshness import Moment
from cse.protection.trust import NOBODY
from cse.timing import parse_timestamp
from plugins.udp_multicast.messages import DeviceRequest, read_request
from plugins.udp_multicast.sealing import reveal

# Requests follow one another whatever the group; the set-ups of each group do so on their own.
REQUESTS = "requests"
REMEMBERED_TRACKS = 64
# A multicast reaches thousands of simulated devices that have the same keys.
REMEMBERED_REQUESTS = 32


class Opened(NamedTuple):
    """A request that can be read. Where signatures are wanted, `signer` is the CSE-ID of who has signed it, else ""."""

    request: DeviceRequest
    signer: str
    signature: bytes
    expiration: str | None


class Guard:
    """Without `trust` in anybody everything is let through that can be read."""

    def __init__(self, trust: Trust = NOBODY, secret: Secret | None = None) -> None:
        self.trust = trust
        self.secret = secret
        self._tracks: OrderedDict[str, Freshness] = OrderedDict()

    def open(self, message: Message, secret: Secret | None) -> Opened:
        """The request in a message, encrypted perhaps with this secret; Refused, or CoapError where there is none."""
        opened = _opened(message, self.trust, secret)
        if isinstance(opened, Refusal):
            raise Refused(opened)
        return opened

    def admit(self, opened: Opened, track: str, now: float) -> None:
        """Let a request in that is newer than those before on its track; Refused if it is not."""
        if not self.trust:
            return
        freshness = self._tracks.setdefault(track, Freshness())
        self._tracks.move_to_end(track)
        if len(self._tracks) > REMEMBERED_TRACKS:
            self._tracks.popitem(last=False)
        freshness.admit(opened.request.request_identifier, _moment(opened), opened.signature, now)

    def expect(self, opened: Opened, *, sender: str, is_addressed: bool) -> None:
        """Refused when the request is for somebody else, or from another CSE than it should be."""
        if self.trust and not (is_addressed and opened.signer == sender):
            raise Refused(Refusal.MISDIRECTED)

    def restart(self) -> None:
        """Forget what devices may forget over a restart."""
        for freshness in self._tracks.values():
            freshness.restart()


@lru_cache(REMEMBERED_REQUESTS)
def _opened(message: Message, trust: Trust, secret: Secret | None) -> Opened | Refusal:
    try:
        signed_by = signer(message, trust) if trust else ""
        readable = reveal(message, secret)
    except Refused as refused:
        return refused.refusal
    signature = next(iter(message.values(Option.AUTHENTICATION)), b"")
    return Opened(read_request(readable), signed_by, signature, readable.text(Option.REQUEST_EXPIRATION))


def _moment(opened: Opened) -> Moment:
    """When the request was made and when it ends; one that does not say when it was made is of no time."""
    try:
        made = parse_timestamp(opened.request.originating_timestamp)
        return Moment(made, None if opened.expiration is None else parse_timestamp(opened.expiration))
    except BadRequest:
        raise Refused(Refusal.EXPIRED) from None
