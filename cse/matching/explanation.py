"""From the options of the signatures to the plan: choices per host, reasons, and the sums."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import cast

from cse.matching.alike import Alike
from cse.matching.plan import Exclusion, Explanation, Plan, Price, Transmission
from cse.matching.pricing import Option, PricedSignature, budget, budget_key, duty_cycle, too_slow
from cse.matching.search import Matching
from cse.matching.signatures import Key
from cse.network import Reach, Reason, Unreachable, Way

_EXAMPLES = 3
_NOTHING_OFFERED = Unreachable(
    "",
    Reason.NO_POA,
    "no network offers a way to this host: give it a pointOfAccess (poa) that an installed network serves",
)

# An option of a signature that it cannot use, and why.
_Excluded = tuple[Option, Unreachable]


def explain(
    reaches: Sequence[Reach], signatures: Sequence[PricedSignature], matching: Matching, available_ms: int
) -> Plan:
    choices: list[Way | None] = [None] * len(reaches)
    reasons: list[Unreachable | None] = [None] * len(reaches)
    obstacles = _Obstacles(signatures, matching, available_ms)
    explanations = []
    for signature, pick in zip(signatures, matching.picks, strict=True):
        excluded = sorted([*signature.excluded, *obstacles.of(signature, pick)], key=lambda each: each[0].order())
        explanations.append(_explanation(signature, pick, excluded))
        for part in signature.signature.parts:
            if pick:
                for host, way in zip(part.hosts, _ways(pick, part, reaches), strict=False):
                    choices[host] = way
            else:
                why = repeat(excluded[0][1]) if excluded else _most_telling(part, reaches)
                for host, reason in zip(part.hosts, why, strict=False):
                    reasons[host] = reason
    return Plan(
        choices=choices,
        reasons=reasons,
        transmissions=_transmissions(matching),
        signatures=sorted(explanations, key=lambda explanation: -explanation.members),
        cost=_cost(signatures, matching),
        unicast_cost=sum(signature.members * (signature.repair or 0) for signature in signatures),
        without_unicast=sum(signature.members for signature in signatures if signature.repair is None),
        unserved=sum(explanation.members for explanation in explanations if explanation.chosen is None),
    )


class _Obstacles:
    """What keeps an option that is usable by itself from being used: a budget or a window that others use up."""

    def __init__(self, signatures: Sequence[PricedSignature], matching: Matching, available_ms: int) -> None:
        self._matching = matching
        self._available_ms = available_ms
        self._demand: Counter[Key] = Counter()
        for signature in signatures:
            self._demand.update({option.key: signature.members for option in signature.options})

    def of(self, signature: PricedSignature, pick: Option | None) -> Iterator[_Excluded]:
        for option in signature.options:
            if option is not pick and option.offer.broadcast:
                why = self._duty_cycle(option) or self._too_slow(option, signature.members, unserved=pick is None)
                if why:
                    yield option, why

    def _duty_cycle(self, option: Option) -> Unreachable | None:
        if option.key in self._matching.used or budget(option.offer) is None:
            return None
        left = self._matching.left[budget_key(option.offer)]
        return duty_cycle(option.offer, left) if option.offer.airtime_ms > left else None

    def _too_slow(self, option: Option, members: int, *, unserved: bool) -> Unreachable | None:
        """With those who use it already; for unserved members, with all who could."""
        _, used = self._matching.used.get(option.key, (None, 0))
        demand = self._demand[option.key] if unserved else used + members
        late = option.offer.latency(demand) > self._available_ms
        return too_slow(option.offer, demand, self._available_ms) if late else None


def _explanation(signature: PricedSignature, pick: Option | None, excluded: Sequence[_Excluded]) -> Explanation:
    out = {option.key for option, _ in excluded}
    alternatives = (option for option in signature.options if option is not pick and option.key not in out)
    refusals = sorted(signature.signature.refusals.items())
    return Explanation(
        members=signature.members,
        examples=signature.signature.first(_EXAMPLES),
        chosen=_price(pick, signature) if pick else None,
        alternatives=tuple(_price(option, signature) for option in alternatives),
        exclusions=(
            *(Exclusion(why, signature.members) for _, why in excluded),
            *(Exclusion(Unreachable(*what, refusal.detail), refusal.count) for what, refusal in refusals),
        ),
    )


def _price(option: Option, signature: PricedSignature) -> Price:
    address = option.way.address if option.offer.broadcast else ""
    return Price(option.offer, address, option.unit, _break_even(option, signature.unicast))


def _break_even(option: Option, unicast: Option | None) -> float | None:
    if not option.offer.broadcast or unicast is None or unicast.unit <= option.unit:
        return None
    return round(option.offer.fixed / (unicast.unit - option.unit), 1)


def _ways(pick: Option, part: Alike, reaches: Sequence[Reach]) -> Iterable[Way]:
    """Those of these hosts: a broadcast is the same for all, the address of a unicast is the host's own."""
    if pick.offer.broadcast:
        return repeat(pick.way)
    ways = ((position, entry) for position, entry in enumerate(part.example) if isinstance(entry, Way))
    position = next(position for position, way in ways if way.offer.id == pick.offer.id)
    return (cast("Way", reaches[host][position]) for host in part.hosts)


def _most_telling(part: Alike, reaches: Sequence[Reach]) -> Iterable[Unreachable]:
    """The first reason of each that says more than that a network has nothing to do with the host."""
    refusals = [(position, entry) for position, entry in enumerate(part.example) if isinstance(entry, Unreachable)]
    if not refusals:
        return repeat(_NOTHING_OFFERED)
    telling = (position for position, refusal in refusals if refusal.reason is not Reason.NO_POA)
    chosen = next(telling, refusals[0][0])
    return (cast("Unreachable", reaches[host][chosen]) for host in part.hosts)


def _transmissions(matching: Matching) -> list[Transmission]:
    used = sorted(matching.used.items())
    return [Transmission(offer, address, members) for (_, address), (offer, members) in used if offer.broadcast]


def _cost(signatures: Sequence[PricedSignature], matching: Matching) -> int:
    pairs = zip(signatures, matching.picks, strict=True)
    units = sum(signature.members * pick.unit for signature, pick in pairs if pick)
    return units + sum(offer.fixed for offer, _ in matching.used.values() if offer.broadcast)
