"""Hosts that are offered the same: the only pass over all members before the choice.

There may be 100,000 of them, so little is done for each. Offers are compared by identity: networks hand over the same
object for all hosts. Where one does not, hosts that could be together are apart, and come together in their signature.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from cse.network import Reach, Unreachable

OFFER, ADDRESS_OR_REASON = itemgetter(0), itemgetter(1)


@dataclass(slots=True)
class Alike:
    """Hosts (their indexes, in order) with the same offers and refusals at the same positions as in `example`.

    They differ in nothing but the addresses of unicasts and, if `has_details`, the details of refusals.
    """

    example: Reach
    hosts: list[int]
    has_details: bool = False


class _SameOffers:
    """Hosts with the same offers. `others` have other addresses of broadcasts, or are refused for other reasons."""

    __slots__ = ("example", "hosts", "others", "shared", "shown")

    def __init__(self, example: Reach) -> None:
        self.example = example
        self.shared = _shared(example)
        self.shown = self.shared(example)
        self.hosts: list[int] = []
        self.others: list[int] = []


def alike(reaches: Sequence[Reach]) -> Iterator[Alike]:
    """All hosts, those that are offered the same together."""
    found: dict[tuple[int, ...], _SameOffers] = {}
    for host, reach in enumerate(reaches):
        offers = tuple(map(id, map(OFFER, reach)))
        same = found.get(offers)
        if same is None:
            same = found[offers] = _SameOffers(reach)
        if same.shared(reach) == same.shown:
            same.hosts.append(host)
        else:
            same.others.append(host)
    for same in found.values():
        yield Alike(same.example, same.hosts)
        yield from _others(reaches, same)


def _others(reaches: Sequence[Reach], same: _SameOffers) -> Iterator[Alike]:
    found: dict[tuple[Any, ...], Alike] = {}
    positions = _positions(same.example)
    for host in same.others:
        reach = reaches[host]
        differences = tuple([reach[position][1] for position in positions])
        if differences not in found:
            found[differences] = Alike(reach, [], has_details=True)
        found[differences].hosts.append(host)
    yield from found.values()


def _shared(example: Reach) -> Callable[[Reach], Any]:
    """What of a reach with these offers is the same for those who go the same way: not the addresses of unicasts."""
    positions = _positions(example)
    return itemgetter(*positions) if positions else _nothing


def _positions(example: Reach) -> list[int]:
    return [
        position for position, entry in enumerate(example) if isinstance(entry, Unreachable) or entry.offer.broadcast
    ]


def _nothing(reach: Reach) -> None:
    return None
