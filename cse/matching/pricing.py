"""What each offer costs a signature per member, and which offers are out for this request."""

from dataclasses import dataclass

from cse.matching.signatures import Key, Signature, key
from cse.network import Offer, Reason, Unreachable, Way

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Option:
    """An offer as one signature sees it: `unit` is the cost per member, expected repair included."""

    way: Way
    key: Key
    unit: int

    @property
    def offer(self) -> Offer:
        return self.way.offer

    def order(self) -> tuple[int, int, int, int, Key]:
        """Members take the first of their options that is open."""
        loss = self.offer.loss_ppm if self.offer.broadcast else 0
        return self.unit, loss, self.offer.latency_ms, self.offer.preference, self.key


@dataclass(frozen=True, slots=True)
class PricedSignature:
    """The options of a signature in their order, and those that are excluded, in the same order, with the reason.

    `repair` is the cost of the cheapest unicast that can reach one of the members in time, None if there is none.
    """

    signature: Signature
    options: list[Option]
    excluded: list[tuple[Option, Unreachable]]
    repair: int | None

    @property
    def members(self) -> int:
        return self.signature.members

    @property
    def unicast(self) -> Option | None:
        """The cheapest unicast that can carry all members."""
        return next((option for option in self.options if not option.offer.broadcast), None)


def price(signature: Signature, available_ms: int) -> PricedSignature:
    repair = _repair(signature, available_ms)
    options = [Option(way, key(way), _unit(way.offer, signature, repair)) for way in signature.ways]
    usable, excluded = [], []
    for option in sorted(options, key=Option.order):
        if reason := exclusion(option.offer, signature.members, available_ms):
            excluded.append((option, reason))
        else:
            usable.append(option)
    return PricedSignature(signature, usable, excluded, repair)


def _repair(signature: Signature, available_ms: int) -> int | None:
    unicasts = (way.offer for way in signature.ways if not way.offer.broadcast)
    fitting = (offer for offer in unicasts if exclusion(offer, 1, available_ms) is None)
    return min((_unicast_unit(offer, signature) for offer in fitting), default=None)


def _unit(offer: Offer, signature: Signature, repair: int | None) -> int:
    if offer.broadcast:
        return offer.per_member + offer.loss_ppm * (repair or 0) // _MILLION
    return _unicast_unit(offer, signature)


def _unicast_unit(offer: Offer, signature: Signature) -> int:
    """Members of a signature that share an address share its fixed cost; each bears the same part, rounded up."""
    addresses = len(signature.addresses.get(offer.id, ()))
    return offer.per_member - (-offer.fixed * addresses // signature.members)


def exclusion(offer: Offer, members: int, available_ms: int) -> Unreachable | None:
    """Why this offer cannot carry the request to so many members, whatever else is chosen."""
    if offer.payload > offer.max_payload:
        return Unreachable(offer.id, Reason.PAYLOAD_TOO_LARGE, f"{offer.payload} > {offer.max_payload} bytes")
    if (limit := budget(offer)) is not None and offer.airtime_ms > limit:
        return duty_cycle(offer, limit)
    if offer.latency(members) > available_ms:
        return too_slow(offer, members, available_ms)
    return None


def budget(offer: Offer) -> int | None:
    """The milliseconds of airtime that can run out for this offer; for unicast that means waiting, not refusal."""
    return offer.budget_ms if offer.broadcast else None


def budget_key(offer: Offer) -> str:
    return offer.budget_key or offer.id


def duty_cycle(offer: Offer, left_ms: int) -> Unreachable:
    return Unreachable(offer.id, Reason.DUTY_CYCLE, f"{offer.airtime_ms} ms > {left_ms} ms left")


def too_slow(offer: Offer, members: int, available_ms: int) -> Unreachable:
    detail = f"{offer.latency(members)} ms > {available_ms} ms left; use rt=1 or a later requestExpirationTimestamp"
    return Unreachable(offer.id, Reason.TOO_SLOW, detail)
