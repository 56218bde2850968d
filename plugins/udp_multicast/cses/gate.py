"""Whether a multicast request really comes from the CSE that hosts the group, and is not a copy of an earlier one."""

from collections import OrderedDict

from cse.coap import primitives
from cse.coap.message import Message, Option
from cse.coap.signing import signer
from cse.errors import BadRequest
from cse.network import Membership
from cse.primitive import Request
from cse.protection import Freshness, Refusal, Refused, Trust
from cse.protection.freshness import Moment
from cse.timing import parse_timestamp

MOST_TRACKS = 10_000


class Gate:
    """Requests of group hosts whose key is known must be signed; those of others are let through.

    What was made before `opened` may have come in before a restart, and is refused.
    """

    def __init__(self, trust: Trust, opened: float) -> None:
        self._trust = trust
        self._opened = opened
        self._tracks: OrderedDict[str, Freshness] = OrderedDict()

    def admit(self, message: Message, request: Request, membership: Membership, now: float) -> None:
        """Refused unless it is to be carried out."""
        if not self._trust.knows(membership.group_host):
            return
        if signer(message, self._trust) != membership.group_host:
            raise Refused(Refusal.FORGED)
        moment = Moment(_made(request), primitives.expiration(request))
        if moment.made < self._opened:
            raise Refused(Refusal.REPLAYED)
        (signature,) = message.values(Option.AUTHENTICATION)
        self._track(membership.target).admit(request.request_identifier, moment, signature, now)

    def _track(self, target: str) -> Freshness:
        track = self._tracks.setdefault(target, Freshness())
        self._tracks.move_to_end(target)
        if len(self._tracks) > MOST_TRACKS:
            self._tracks.popitem(last=False)
        return track


def _made(request: Request) -> float:
    try:
        return parse_timestamp(request.originating_timestamp or "")
    except BadRequest:
        raise Refused(Refusal.EXPIRED) from None
