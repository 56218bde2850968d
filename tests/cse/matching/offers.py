"""The offers of the test vectors, and hosts that have them."""

from dataclasses import replace

from cse.matching import Explanation, Plan
from cse.network import Offer, Reach, Way

DAY = 86_400_000

H = Offer("http", "http-unicast", False, 0, 1000, 0, 200, 1 << 20, preference=3)
U = Offer("udp:g1", "udp-multicast", True, 100, 150, 20_000, 1000, 1200, preference=1)
L = Offer(
    "lora:m1", "lora-broadcast", True, 5000, 0, 100_000, 4000, 51, airtime_ms=2793, budget_ms=36_000, preference=2
)
LU = Offer("lora", "lora-broadcast", False, 0, 3000, 0, 60_000, 51, preference=4)
M1, M2 = (replace(L, id=f"lora:m{number}", budget_ms=4000, budget_key="gateway") for number in (1, 2))


def broadcast(name: str, fixed: int = 100, per_member: int = 10, **others: int | str | None) -> Offer:
    return replace(Offer(name, "broadcasts", True, fixed, per_member, 0, 1000, 1200), **others)


def reach_by(*offers: Offer, host: int = 0, group: str = "g") -> Reach:
    return [Way(offer, group if offer.broadcast else f"{offer.id}://{host}") for offer in offers]


def identifiers(plan: Plan) -> list[str | None]:
    return [way.offer.id if way else None for way in plan.choices]


def explanation_of(plan: Plan, host: int) -> Explanation:
    return next(explanation for explanation in plan.signatures if host in explanation.examples)
