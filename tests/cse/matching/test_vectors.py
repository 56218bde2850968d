import itertools
from dataclasses import dataclass, field, replace

import pytest

from cse.matching import choose
from cse.network import Offer, Reach, Reason
from tests.cse.matching.offers import DAY, LU, M1, M2, H, L, U, broadcast, explanation_of, identifiers, reach_by


@dataclass
class Vector:
    """`rows` are (members, usable offers, chosen offer); `reasons` are (row, offer, reason, detail begins with)."""

    rows: list[tuple[int, list[Offer], str | None]]
    cost: int
    unserved: int = 0
    payload: int = 40
    available_ms: int = DAY
    units: dict[int, int] = field(default_factory=dict)
    reasons: list[tuple[int, str, Reason, str]] = field(default_factory=list)

    def reaches(self) -> list[Reach]:
        hosts = [offers for members, offers, _ in self.rows for _ in range(members)]
        return [
            reach_by(*(replace(offer, payload=self.payload) for offer in offers), host=host)
            for host, offers in enumerate(hosts)
        ]

    def chosen(self) -> list[str | None]:
        return [chosen for members, _, chosen in self.rows for _ in range(members)]


TOO_LARGE = Reason.PAYLOAD_TOO_LARGE
A, B = broadcast("a", preference=2), broadcast("b", preference=1)
WIDE, N1, N2 = broadcast("wide", 900, 0), broadcast("n1", 800, 0), broadcast("n2", 800, 0)

VECTORS = {
    1: Vector([(10, [U, H], "udp:g1")], 1800, payload=100, units={0: 170}),
    2: Vector([(1, [U, H], "http")], 1000, payload=100, units={0: 1000}),
    3: Vector(
        [(500, [U, H], "udp:g1"), (300, [L, LU], "lora:m1"), (200, [H], "http")], 380_100, units={0: 170, 1: 300}
    ),
    4: Vector(
        [(300, [L, LU], None), (5, [L, H], "http")],
        5000,
        unserved=300,
        payload=60,
        reasons=[
            (0, "lora:m1", TOO_LARGE, "60 > 51 bytes"),
            (0, "lora", TOO_LARGE, "60 > 51 bytes"),
            (1, "lora:m1", TOO_LARGE, "60 > 51 bytes"),
        ],
    ),
    5: Vector([(3, [], None), (2, [H], "http")], 2000, unserved=3, payload=60),
    6: Vector(
        [(50, [U, H], "udp:g1"), (4, [U, L, H], "udp:g1"), (2, [L, H], "http")], 11_280, units={0: 170, 1: 170, 2: 1000}
    ),
    7: Vector([(4, [A, B], "b")], 140, payload=10),
    8: Vector([(4, [A, replace(B, preference=2)], "a")], 140, payload=10),
    9: Vector(
        [(300, [replace(L, budget_ms=2000), H], "http")],
        300_000,
        reasons=[(0, "lora:m1", Reason.DUTY_CYCLE, "2793 ms > 2000 ms left")],
    ),
    10: Vector(
        [(100, [M1, H], "http"), (300, [M2, H], "lora:m2")],
        135_000,
        units={1: 100},
        reasons=[(0, "lora:m1", Reason.DUTY_CYCLE, "2793 ms > 1207 ms left")],
    ),
    11: Vector(
        [(100, [L, H], "http")],
        100_000,
        available_ms=3000,
        reasons=[(0, "lora:m1", Reason.TOO_SLOW, "4000 ms > 3000 ms left; use rt=1 or a later requestExpirationTime")],
    ),
    12: Vector([(5, [L, H], "http")], 5000),
    13: Vector([(6, [L, H], "lora:m1")], 5600, units={0: 100}),
    14: Vector([(1, [L], "lora:m1")], 5000),
    15: Vector([(4, [WIDE, N1], "n1"), (4, [WIDE, N2], "n2"), (1, [N1], "n1"), (1, [N2], "n2")], 1600, payload=10),
}


@pytest.mark.parametrize("number", VECTORS)
def test_vector(number: int) -> None:
    vector = VECTORS[number]
    plan = choose(vector.reaches(), available_ms=vector.available_ms)
    assert identifiers(plan) == vector.chosen()
    assert (plan.cost, plan.unserved) == (vector.cost, vector.unserved)
    firsts = itertools.accumulate((row[0] for row in vector.rows), initial=0)
    by_row = {row: explanation_of(plan, first) for row, first in enumerate(firsts) if first < len(plan.choices)}
    for row, unit in vector.units.items():
        assert by_row[row].chosen.unit == unit
    found = {
        (row, *exclusion.why[:2], exclusion.count): exclusion.why.detail
        for row, explanation in by_row.items()
        for exclusion in explanation.exclusions
    }
    expected = {(row, offer, reason, vector.rows[row][0]): detail for row, offer, reason, detail in vector.reasons}
    assert found.keys() == expected.keys()
    assert all(found[key].startswith(detail) for key, detail in expected.items())
