import json
from dataclasses import replace

from cse.matching import choose
from cse.network import Reason, Unreachable, Way
from tests.cse.matching.offers import DAY, H, L, U, reach_by
from tests.cse.matching.test_vectors import TOO_LARGE, VECTORS

ALONE = Unreachable("http", Reason.NO_POA, "no poa with http://")


def test_an_unserved_host_is_told_the_reason_of_its_cheapest_offer() -> None:
    plan = choose(VECTORS[4].reaches(), available_ms=DAY)
    assert plan.reasons[0] == Unreachable("lora:m1", TOO_LARGE, "60 > 51 bytes")
    assert plan.reasons[300:] == [None] * 5


def test_a_host_without_any_offer_is_told_what_is_missing() -> None:
    (reason,) = choose([[]], available_ms=DAY).reasons
    assert reason is not None
    assert reason.reason is Reason.NO_POA
    assert "pointOfAccess (poa)" in reason.detail


def test_the_most_telling_refusal_of_the_networks_is_the_reason() -> None:
    not_joined = Unreachable("udp:g1", Reason.NOT_JOINED, "session not acknowledged")
    plan = choose([[ALONE, not_joined], [ALONE]], available_ms=DAY)
    assert plan.reasons == [not_joined, ALONE]


def test_break_even_of_chosen_and_alternative() -> None:
    (below,) = choose(VECTORS[12].reaches(), available_ms=DAY).signatures
    (above,) = choose(VECTORS[13].reaches(), available_ms=DAY).signatures
    assert [(price.offer.id, price.unit, price.break_even) for price in below.alternatives] == [("lora:m1", 100, 5.6)]
    assert (above.chosen.offer.id, above.chosen.break_even) == ("lora:m1", 5.6)
    assert [(price.offer.id, price.unit, price.break_even) for price in above.alternatives] == [("http", 1000, None)]


def test_a_cheaper_unit_is_an_alternative_when_opening_it_is_not_worth_it() -> None:
    signature = next(each for each in choose(VECTORS[6].reaches(), available_ms=DAY).signatures if each.members == 4)
    assert [(price.offer.id, price.unit) for price in signature.alternatives] == [("lora:m1", 100), ("http", 1000)]


def test_an_alternative_that_never_pays_has_no_break_even() -> None:
    dear = replace(U, per_member=1000)
    (explanation,) = choose([reach_by(dear, H)] * 9, available_ms=DAY).signatures
    assert [(price.offer.id, price.unit, price.break_even) for price in explanation.alternatives] == [
        ("udp:g1", 1020, None)
    ]


def test_refusals_of_networks_are_counted_per_reason() -> None:
    reaches = [[*reach_by(H), Unreachable("lora", Reason.CLASS_A, f"device {host} is class A")] for host in (3, 1, 2)]
    reaches.append([*reach_by(H), Unreachable("lora", Reason.REGION)])
    (explanation,) = choose(reaches, available_ms=DAY).signatures
    assert [(each.why, each.count) for each in explanation.exclusions] == [
        (Unreachable("lora", Reason.CLASS_A, "device 1 is class A"), 3),
        (Unreachable("lora", Reason.REGION), 1),
    ]


def test_unicast_cost_is_what_unicast_alone_would_cost() -> None:
    plan = choose(VECTORS[3].reaches(), available_ms=DAY)
    assert (plan.unicast_cost, plan.without_unicast) == (500 * 1000 + 300 * 3000 + 200 * 1000, 0)
    plan = choose([reach_by(L), reach_by(H), []], available_ms=DAY)
    assert (plan.unicast_cost, plan.without_unicast) == (1000, 2)


def test_unicast_too_slow_for_all_still_prices_the_repair_of_a_few() -> None:
    slow = replace(H, latency_per_member_us=1_000_000)
    plan = choose([reach_by(U, slow)] * 10, available_ms=5000)
    (explanation,) = plan.signatures
    assert (explanation.chosen.offer.id, explanation.chosen.unit, plan.unicast_cost) == ("udp:g1", 170, 10_000)
    assert explanation.exclusions[0].why.detail.startswith("10200 ms > 5000 ms left")


def test_hosts_that_share_an_address_share_its_fixed_cost() -> None:
    pooled = replace(H, fixed=101, per_member=10)
    reaches = [[Way(pooled, f"http://gateway{host % 2}")] for host in range(4)]
    plan = choose(reaches, available_ms=DAY)
    assert plan.cost == 4 * (10 + 51)
    assert [way.address for way in plan.choices if way] == [f"http://gateway{host % 2}" for host in range(4)]


def test_of_two_addresses_of_one_unicast_offer_the_first_counts() -> None:
    plan = choose([[Way(H, "http://b"), Way(H, "http://a")]], available_ms=DAY)
    assert plan.choices == [Way(H, "http://b")]
    assert plan.cost == 1000


def test_document_is_json() -> None:
    document = choose(VECTORS[6].reaches(), available_ms=DAY).as_document()
    assert json.loads(json.dumps(document)) == document
    assert document["transmissions"] == [
        {
            "offer": "udp:g1",
            "network": "udp-multicast",
            "address": "g",
            "members": 54,
            "fixed": 100,
            "airtime": 0,
            "latency": 1000,
        }
    ]
    first = document["signatures"][0]
    assert first["chosen"] == {
        "offer": "udp:g1",
        "network": "udp-multicast",
        "address": "g",
        "unit": 170,
        "breakEven": 0.1,
    }
    assert first["alternatives"] == [{"offer": "http", "network": "http-unicast", "address": "", "unit": 1000}]
    assert (document["members"], document["unserved"], document["cost"]) == (56, 0, 11_280)
    assert (document["unicastCost"], document["withoutUnicast"]) == (56_000, 0)


def test_exclusions_in_the_document() -> None:
    document = choose(VECTORS[9].reaches(), available_ms=DAY).as_document()
    assert document["signatures"][0]["exclusions"] == [
        {"offer": "lora:m1", "reason": "DUTY_CYCLE", "detail": "2793 ms > 2000 ms left", "count": 300}
    ]


def test_no_hosts_no_cost() -> None:
    plan = choose([], available_ms=DAY)
    assert (plan.choices, plan.reasons, plan.signatures, plan.cost, plan.unserved) == ([], [], [], 0, 0)
