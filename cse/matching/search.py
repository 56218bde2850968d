"""From priced signatures to the option of each: prune the broadcasts, split the problem, solve the parts."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cse.matching.component import Component, loads
from cse.matching.pricing import Option, PricedSignature, budget, budget_key
from cse.matching.signatures import Key
from cse.network import Offer


@dataclass(frozen=True, slots=True)
class Matching:
    """The option of each signature, the offers in use with their members, and the airtime left per budget key."""

    picks: list[Option | None]
    used: dict[Key, tuple[Offer, int]]
    left: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Broadcast:
    """A broadcast at one address and the signatures that could use it, with their units, by index."""

    key: Key
    offer: Offer
    units: dict[int, int]

    def pays(self, signatures: Sequence[PricedSignature]) -> bool:
        """Whether it could be worth its fixed cost, with nothing else open, or is all that somebody has."""
        savings = [self._saving(signatures[index], unit) for index, unit in self.units.items()]
        if None in savings:
            return True
        members = sum(signatures[index].members for index in self.units)
        return members > 1 and sum(saving or 0 for saving in savings) >= self.offer.fixed

    @staticmethod
    def _saving(signature: PricedSignature, unit: int) -> int | None:
        unicast = signature.unicast
        return max(0, unicast.unit - unit) * signature.members if unicast else None

    def dominates(self, other: "_Broadcast") -> bool:
        """Whether whatever uses the other would be cheaper on this one, without any limit being reached."""
        mine, others = self.offer, other.offer
        return (
            budget(mine) is None
            and not mine.latency_per_member_us
            and all(index in self.units for index in other.units)
            and all(self.units[index] <= unit for index, unit in other.units.items())
            and all(mine.fixed + self.units[index] < others.fixed + unit for index, unit in other.units.items())
        )


def match(signatures: Sequence[PricedSignature], available_ms: int) -> Matching:
    picks = [signature.unicast for signature in signatures]
    limits = _limits(signatures)
    for part in _components(_relevant(signatures)):
        order = sorted({index for broadcast in part for index in broadcast.units}, key=_scarcity(signatures))
        offers = {broadcast.key: broadcast.offer for broadcast in part}
        component = Component(offers, [signatures[index] for index in order], limits, available_ms)
        for index, (_, option) in zip(order, component.best().picks, strict=True):
            picks[index] = option
    used = loads((signature.members, option) for signature, option in zip(signatures, picks, strict=True))
    return Matching(picks, used, _left(limits, used))


def _scarcity(signatures: Sequence[PricedSignature]) -> Callable[[int], tuple[bool, int, int]]:
    """Who has the fewest ways comes first: it matters when a broadcast has no room for all."""
    return lambda index: (signatures[index].unicast is not None, len(signatures[index].options), index)


def _relevant(signatures: Sequence[PricedSignature]) -> list[_Broadcast]:
    broadcasts: dict[Key, _Broadcast] = {}
    for index, signature in enumerate(signatures):
        for option in signature.options:
            if option.offer.broadcast:
                broadcast = broadcasts.setdefault(option.key, _Broadcast(option.key, option.offer, {}))
                broadcast.units[index] = option.unit
    paying = [broadcasts[key] for key in sorted(broadcasts) if broadcasts[key].pays(signatures)]
    return [each for each in paying if not any(other.dominates(each) for other in paying)]


def _components(broadcasts: Iterable[_Broadcast]) -> list[list[_Broadcast]]:
    """Broadcasts are together when they share a signature or a budget."""
    parts: list[tuple[set[object], list[_Broadcast]]] = []
    for broadcast in broadcasts:
        ties: set[object] = {*broadcast.units}
        if budget(broadcast.offer) is not None:
            ties.add(budget_key(broadcast.offer))
        touching = [part for part in parts if part[0] & ties]
        parts = [part for part in parts if not part[0] & ties]
        members = [each for part in touching for each in part[1]] + [broadcast]
        parts.append((ties.union(*(part[0] for part in touching)), members))
    return [members for _, members in parts]


def _limits(signatures: Iterable[PricedSignature]) -> dict[str, int]:
    """The airtime per budget key; the least, where offers do not agree."""
    limits: dict[str, int] = {}
    for option in (option for signature in signatures for option in signature.options):
        limit = budget(option.offer)
        if limit is not None:
            name = budget_key(option.offer)
            limits[name] = min(limit, limits.get(name, limit))
    return limits


def _left(limits: dict[str, int], used: dict[Key, tuple[Offer, int]]) -> dict[str, int]:
    spent: dict[str, int] = defaultdict(int)
    for offer, _ in used.values():
        if budget(offer) is not None:
            spent[budget_key(offer)] += offer.airtime_ms
    return {name: limit - spent[name] for name, limit in limits.items()}
