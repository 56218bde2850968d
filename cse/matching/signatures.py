"""Hosts grouped by the ways in which they can be reached."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

from cse.matching.alike import Alike, alike
from cse.network import Reach, Reason, Unreachable, Way

# The identifier of an offer and the address that its hosts share, "" for unicast.
Key = tuple[str, str]


@dataclass(slots=True)
class Refusal:
    """How many hosts a network cannot reach for one reason, with the alphabetically first detail as example."""

    detail: str
    count: int = 0


@dataclass(slots=True)
class Signature:
    """Hosts with the same offers, at the same address where an offer is a broadcast.

    `ways` are sorted by key, the address of a unicast is some host's. `addresses` are the distinct ones of each
    unicast offer with a fixed cost, by its identifier.
    """

    ways: list[Way]
    members: int = 0
    parts: list[Alike] = field(default_factory=list)
    addresses: dict[str, set[str]] = field(default_factory=dict)
    refusals: dict[tuple[str, Reason], Refusal] = field(default_factory=dict)

    def add(self, part: Alike, reaches: Sequence[Reach]) -> None:
        self.parts.append(part)
        self.members += len(part.hosts)
        for position, entry in enumerate(part.example):
            if isinstance(entry, Unreachable):
                others = (cast("Unreachable", reaches[host][position]).detail for host in part.hosts)
                detail = min(others) if part.has_details else entry.detail
                self._count_refusals(entry, detail, len(part.hosts))
            elif entry.offer.id in self.addresses:
                self.addresses[entry.offer.id].update(reaches[host][position][1] for host in part.hosts)

    def first(self, count: int) -> tuple[int, ...]:
        """The indexes of the first few of its hosts."""
        return tuple(sorted(host for part in self.parts for host in part.hosts[:count])[:count])

    def _count_refusals(self, entry: Unreachable, detail: str, count: int) -> None:
        refusal = self.refusals.setdefault(entry[:2], Refusal(detail))
        refusal.detail = min(refusal.detail, detail)
        refusal.count += count


def key(way: Way) -> Key:
    return way.offer.id, way.address if way.offer.broadcast else ""


def group(reaches: Sequence[Reach]) -> Iterator[Signature]:
    """The signatures in the order of their keys, whatever the order of the hosts."""
    signatures: dict[frozenset[Key], Signature] = {}
    for part in alike(reaches):
        ways = {key(way): way for way in part.example if isinstance(way, Way)}
        keys = frozenset(ways)
        if keys not in signatures:
            signatures[keys] = _signature(ways)
        signatures[keys].add(part, reaches)
    return (signatures[keys] for keys in sorted(signatures, key=sorted))


def _signature(ways: dict[Key, Way]) -> Signature:
    pooled = (way.offer for way in ways.values() if way.offer.fixed and not way.offer.broadcast)
    return Signature([ways[each] for each in sorted(ways)], addresses={offer.id: set() for offer in pooled})
