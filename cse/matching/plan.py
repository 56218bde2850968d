"""What `choose` returns: the choice per host, and an explanation of it per signature."""

from dataclasses import dataclass
from typing import Any

from cse.network import Offer, Unreachable, Way


@dataclass(frozen=True, slots=True)
class Price:
    """What an offer costs a signature.

    `unit` is the cost per member, the expected repair by unicast included. `break_even` is the number of members from
    which a broadcast with its fixed cost is cheaper than unicast to each of them, None for unicast and where it never
    is. `address` is "" for unicast.
    """

    offer: Offer
    address: str
    unit: int
    break_even: float | None

    def as_document(self) -> dict[str, Any]:
        document = {"offer": self.offer.id, "network": self.offer.network, "address": self.address, "unit": self.unit}
        return document | ({"breakEven": self.break_even} if self.offer.broadcast else {})


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why an offer, or all of a network, is out for `count` members of a signature."""

    why: Unreachable
    count: int

    def as_document(self) -> dict[str, Any]:
        offer, reason, detail = self.why
        return {"offer": offer, "reason": reason.value, "detail": detail, "count": self.count}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One signature: hosts that can be reached in the same ways and therefore go the same way.

    `examples` are indexes of a few of its hosts. `chosen` is None for unserved hosts. `alternatives` could have been
    used instead, cheapest first; `exclusions` could not.
    """

    members: int
    examples: tuple[int, ...]
    chosen: Price | None
    alternatives: tuple[Price, ...]
    exclusions: tuple[Exclusion, ...]

    def as_document(self) -> dict[str, Any]:
        return {
            "members": self.members,
            "examples": list(self.examples),
            "chosen": self.chosen.as_document() if self.chosen else None,
            "alternatives": [price.as_document() for price in self.alternatives],
            "exclusions": [exclusion.as_document() for exclusion in self.exclusions],
        }


@dataclass(frozen=True, slots=True)
class Transmission:
    """A broadcast that is opened, and how many members use it."""

    offer: Offer
    address: str
    members: int

    def as_document(self) -> dict[str, Any]:
        return {
            "offer": self.offer.id,
            "network": self.offer.network,
            "address": self.address,
            "members": self.members,
            "fixed": self.offer.fixed,
            "airtime": self.offer.airtime_ms,
            "latency": self.offer.latency(self.members),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """Per host, in the order of the input, its way and, where it has none, the most telling reason; and the sums.

    `cost` is the fixed cost of the transmissions plus members x unit of each signature. `unicast_cost` is what the
    cheapest unicast to every member would cost; `without_unicast` members have none and are not in it.
    """

    choices: list[Way | None]
    reasons: list[Unreachable | None]
    transmissions: list[Transmission]
    signatures: list[Explanation]
    cost: int
    unicast_cost: int
    without_unicast: int
    unserved: int

    def as_document(self) -> dict[str, Any]:
        """For `cse plan` and the operator interface: JSON without the lists that have an element per host.

        Costs are in micro-units, `airtime` and `latency` in milliseconds.
        """
        return {
            "members": len(self.choices),
            "unserved": self.unserved,
            "cost": self.cost,
            "unicastCost": self.unicast_cost,
            "withoutUnicast": self.without_unicast,
            "transmissions": [transmission.as_document() for transmission in self.transmissions],
            "signatures": [signature.as_document() for signature in self.signatures],
        }
