"""The best set of broadcasts for signatures that compete for them: by enumeration, or by local search."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cse.matching.pricing import Option, PricedSignature, budget, budget_key
from cse.matching.signatures import Key
from cse.network import Offer

_ENUMERABLE = 12
_MINIMUM_MEMBERS = 2


class _Row(NamedTuple):
    """One signature; its options with position and bit, where unicast has the position behind all broadcasts."""

    members: int
    weight: int
    options: list[tuple[int, int, Option]]


@dataclass(slots=True)
class Assignment:
    """The members of a component on their ways. `opened` and `thin` are sets of broadcasts, one bit per position.

    A broadcast is thin when too few members use it to open it. `picks` are (members, option) per signature. Smaller
    is better.
    """

    opened: int
    thin: int
    unserved: int
    cost: int
    picks: list[tuple[int, Option | None]]

    def __lt__(self, other: "Assignment") -> bool:
        mine, others = (self.unserved, self.cost), (other.unserved, other.cost)
        return mine < others or (mine == others and self._tie_break() < other._tie_break())

    def _tie_break(self) -> tuple[int, int, int, int, list[Key]]:
        used = loads(self.picks)
        offers = [offer for offer, _ in used.values()]
        return (
            sum(offer.loss_ppm * members for offer, members in used.values() if offer.broadcast),
            max((offer.latency(members) for offer, members in used.values()), default=0),
            len({offer.network for offer in offers}),
            sum(offer.preference for offer in offers),
            sorted(used),
        )


def loads(picks: Iterable[tuple[int, Option | None]]) -> dict[Key, tuple[Offer, int]]:
    """The offers that are used, and by how many members."""
    used: dict[Key, tuple[Offer, int]] = {}
    for members, option in picks:
        if option:
            offer, others = used.get(option.key, (option.offer, 0))
            used[option.key] = offer, others + members
    return used


class Component:
    """Broadcasts that share signatures or budgets, and the signatures that can use them.

    `limits` are the milliseconds of airtime per budget key.
    """

    def __init__(
        self,
        broadcasts: dict[Key, Offer],
        signatures: Sequence[PricedSignature],
        limits: dict[str, int],
        available_ms: int,
    ) -> None:
        self._count = len(broadcasts)
        self._fixed = [offer.fixed for offer in broadcasts.values()]
        self._rooms = [_room(offer, available_ms) for offer in broadcasts.values()] + [sys.maxsize]
        self._budgets = [_budget(broadcasts.values(), name, limits[name]) for name in _budget_keys(broadcasts.values())]
        positions = {key: position for position, key in enumerate(broadcasts)}
        self._rows = [_row(signature, positions) for signature in signatures]

    def best(self) -> Assignment:
        return self._enumerated() if self._count <= _ENUMERABLE else self._searched()

    def _enumerated(self) -> Assignment:
        sets = (opened for opened in range(1 << self._count) if self._affordable(opened))
        return min(assignment for assignment in map(self._assign, sets) if not assignment.thin)

    def _searched(self) -> Assignment:
        """From unicast only, the best step as long as one improves: open or close one, else exchange two."""
        best = self._assign(0)
        while (better := self._step(best)) is not best:
            best = better
        return best

    def _step(self, current: Assignment) -> Assignment:
        for moves in (self._toggles, self._exchanges):
            sets = (opened for opened in moves(current.opened) if self._affordable(opened))
            best = min(map(self._settle, sets), default=current)
            if best < current:
                return best
        return current

    def _toggles(self, opened: int) -> Iterator[int]:
        return (opened ^ 1 << position for position in range(self._count))

    def _exchanges(self, opened: int) -> Iterator[int]:
        for position in _positions(((1 << self._count) - 1) & ~opened):
            for other in _positions(opened):
                yield opened ^ (1 << position | 1 << other)

    def _affordable(self, opened: int) -> bool:
        return all(
            sum(airtime for position, airtime in airtimes.items() if opened >> position & 1) <= limit
            for limit, airtimes in self._budgets
        )

    def _settle(self, opened: int) -> Assignment:
        """Close what is thin, one at a time: its members may be what another needs."""
        assignment = self._assign(opened)
        while assignment.thin:
            assignment = self._assign(assignment.opened & ~(assignment.thin & -assignment.thin))
        return assignment

    def _assign(self, opened: int) -> Assignment:
        usable = opened | 1 << self._count
        loads, weights = [0] * (self._count + 1), [0] * (self._count + 1)
        unserved, cost = 0, sum(self._fixed[position] for position in _positions(opened))
        picks: list[tuple[int, Option | None]] = []
        for members, weight, options in self._rows:
            for position, bit, option in options:
                if usable & bit and loads[position] + members <= self._rooms[position]:
                    loads[position] += members
                    weights[position] += weight
                    cost += members * option.unit
                    picks.append((members, option))
                    break
            else:
                unserved += members
                picks.append((members, None))
        thin = _bits(position for position in _positions(opened) if weights[position] < _MINIMUM_MEMBERS)
        return Assignment(opened, thin, unserved, cost, picks)


def _row(signature: PricedSignature, positions: dict[Key, int]) -> _Row:
    """The options up to the first unicast, which always has room.

    A member without unicast weighs as many as a broadcast needs.
    """
    options: list[tuple[int, int, Option]] = []
    for option in signature.options:
        if not option.offer.broadcast:
            unicast = len(positions), 1 << len(positions), option
            return _Row(signature.members, signature.members, [*options, unicast])
        if option.key in positions:
            options.append((positions[option.key], 1 << positions[option.key], option))
    return _Row(signature.members, signature.members * _MINIMUM_MEMBERS, options)


def _room(offer: Offer, available_ms: int) -> int:
    """The most members whose answers come in before the deadline: the inverse of `Offer.latency`."""
    if not offer.latency_per_member_us:
        return sys.maxsize
    return ((available_ms - offer.latency_ms + 1) * 1000 - 1) // offer.latency_per_member_us


def _budget_keys(broadcasts: Iterable[Offer]) -> set[str]:
    return {budget_key(offer) for offer in broadcasts if budget(offer) is not None}


def _budget(broadcasts: Iterable[Offer], name: str, limit: int) -> tuple[int, dict[int, int]]:
    """The limit of a budget and the airtimes of the broadcasts that draw on it, by their positions."""
    metered = {
        position: offer.airtime_ms
        for position, offer in enumerate(broadcasts)
        if budget(offer) is not None and budget_key(offer) == name
    }
    return limit, metered


def _bits(positions: Iterable[int]) -> int:
    return sum(1 << position for position in set(positions))


def _positions(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
