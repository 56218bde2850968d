"""Hosts grouped by the ways in which they can be reached: the only pass over all members before the choice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

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
    """Hosts (their indexes) with the same offers, at the same address where an offer is a broadcast.

    `ways` are sorted by key, the address of a unicast is some host's. `addresses` are the distinct ones of each
    unicast offer with a fixed cost, by its identifier.
    """

    ways: list[Way]
    hosts: list[int] = field(default_factory=list)
    addresses: dict[str, set[str]] = field(default_factory=dict)
    refusals: dict[tuple[str, Reason], Refusal] = field(default_factory=dict)

    def add(self, host: int, reach: Reach) -> None:
        self.hosts.append(host)
        if self.addresses:
            self._collect_addresses(reach)
        if len(reach) > len(self.ways):
            self._count_refusals(reach)

    def _collect_addresses(self, reach: Reach) -> None:
        for entry in reach:
            if isinstance(entry, Way) and entry.offer.id in self.addresses:
                self.addresses[entry.offer.id].add(entry.address)

    def _count_refusals(self, reach: Reach) -> None:
        for entry in reach:
            if isinstance(entry, Unreachable):
                refusal = self.refusals.get(entry[:2])
                if refusal is None:
                    refusal = self.refusals[entry[:2]] = Refusal(entry.detail)
                elif entry.detail < refusal.detail:
                    refusal.detail = entry.detail
                refusal.count += 1


def key(way: Way) -> Key:
    return way.offer.id, way.address if way.offer.broadcast else ""


def group(reaches: Sequence[Reach]) -> Iterator[Signature]:
    """The signatures in the order of their keys, whatever the order of the hosts."""
    signatures: dict[frozenset[Key], Signature] = {}
    for host, reach in enumerate(reaches):
        # `key` written out: a call per way would take as long as all the rest.
        keys = frozenset(
            [(way.offer.id, way.address if way.offer.broadcast else "") for way in reach if isinstance(way, Way)]
        )
        signature = signatures.get(keys)
        if signature is None:
            signature = signatures[keys] = _signature(reach)
        signature.add(host, reach)
    return (signatures[keys] for keys in sorted(signatures, key=sorted))


def _signature(reach: Reach) -> Signature:
    ways = {key(way): way for way in reach if isinstance(way, Way)}
    pooled = (way.offer for way in ways.values() if way.offer.fixed and not way.offer.broadcast)
    return Signature([ways[each] for each in sorted(ways)], addresses={offer.id: set() for offer in pooled})
