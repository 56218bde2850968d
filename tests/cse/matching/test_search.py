from dataclasses import replace

import pytest

from cse.matching import choose, component
from cse.network import Offer, Reason, Unreachable, Way
from tests.cse.matching.offers import DAY, M1, M2, H, L, U, broadcast, explanation_of, identifiers, reach_by

A, B = broadcast("a", preference=2), broadcast("b", preference=1)


def test_each_address_of_a_broadcast_is_paid_and_draws_on_the_budget() -> None:
    tight = replace(L, budget_ms=4000)
    reaches = [reach_by(tight, group="east")] * 3 + [reach_by(tight, group="west")] * 2
    plan = choose(reaches, available_ms=DAY)
    assert [(each.address, each.members) for each in plan.transmissions] == [("east", 3)]
    assert plan.reasons[3:] == [Unreachable("lora:m1", Reason.DUTY_CYCLE, "2793 ms > 1207 ms left")] * 2
    roomy = choose(
        [[Way(replace(L, budget_ms=5586), way.address) for way in reach] for reach in reaches], available_ms=DAY
    )
    assert (roomy.unserved, roomy.cost) == (0, 2 * 5000)


SLOW = replace(H, per_member=60, latency_ms=2000)


@pytest.mark.parametrize(
    ("offers", "better"),
    [
        ([replace(A, loss_ppm=1), replace(B, preference=9)], "b"),
        ([replace(A, latency_ms=1001), replace(B, preference=9)], "b"),
        ([A, SLOW], "a"),
        ([A, replace(SLOW, latency_ms=999)], "http"),
        ([replace(A, loss_ppm=1), SLOW], "http"),
        ([replace(SLOW, id="u1"), replace(SLOW, id="u2", latency_ms=1999, preference=9)], "u2"),
        ([replace(SLOW, id="u1"), replace(SLOW, id="u2", preference=2)], "u2"),
        ([replace(SLOW, id="u1"), replace(SLOW, id="u2")], "u1"),
    ],
)
def test_equal_cost_is_decided_by_loss_then_latency_then_preference_then_identifier(
    offers: list[Offer], better: str
) -> None:
    """Two members: `SLOW` costs 2 x 60 and `A` costs 100 + 2 x 10."""
    for order in (offers, offers[::-1]):
        plan = choose([reach_by(*order)] * 2, available_ms=DAY)
        assert identifiers(plan) == [better] * 2
        assert plan.cost == 120


def test_equal_cost_is_decided_by_fewer_networks_before_preference() -> None:
    roomy = {"budget_ms": 100, "budget_key": "gateway"}
    needed = broadcast("needed", network="used", **roomy)
    used, unused = broadcast("used", network="used", preference=9, **roomy), broadcast("unused", **roomy)
    plan = choose([reach_by(needed)] * 2 + [reach_by(used, unused)] * 2, available_ms=DAY)
    assert identifiers(plan) == ["needed"] * 2 + ["used"] * 2


@pytest.mark.parametrize("budgets", [(6000, 4000), (4000, 6000)])
def test_the_least_counts_when_offers_disagree_about_a_budget(budgets: tuple[int, int]) -> None:
    offers = [replace(offer, budget_ms=budget) for offer, budget in zip((M1, M2), budgets, strict=True)]
    assert choose([reach_by(offer) for offer in offers] * 2, available_ms=DAY).unserved == 2


CHEAP, DEAR = broadcast("cheap"), broadcast("dear", fixed=200)
GATEWAY = {"airtime_ms": 9, "budget_ms": 9, "budget_key": "gateway"}


@pytest.mark.parametrize(
    ("cheap", "dear", "better"),
    [
        (CHEAP, DEAR, "cheap"),
        (replace(CHEAP, **GATEWAY), DEAR, "dear"),
        (CHEAP, replace(DEAR, per_member=0), "dear"),
        (CHEAP, replace(DEAR, fixed=99, per_member=11), "cheap"),
        (replace(CHEAP, fixed=110), replace(DEAR, fixed=100), "dear"),
    ],
)
def test_what_replaces_a_broadcast_costs_less_for_these_members_and_has_airtime(
    cheap: Offer, dear: Offer, better: str
) -> None:
    """Beside 11 members that have both, 12 need the airtime of the gateway."""
    needed = replace(CHEAP, id="needed", **GATEWAY)
    plan = choose([reach_by(cheap, dear)] * 11 + [reach_by(needed)] * 12, available_ms=DAY)
    assert identifiers(plan) == [better] * 11 + ["needed"] * 12


@pytest.mark.parametrize("enumerable", [0, 12])
def test_a_broadcast_that_another_leaves_with_one_member_is_closed(
    enumerable: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(component, "_ENUMERABLE", enumerable)
    better, worse = broadcast("better", 0, 0), broadcast("worse", 0, 600)
    plan = choose([reach_by(better, worse, H)] * 2 + [reach_by(worse, H)], available_ms=DAY)
    assert identifiers(plan) == ["better", "better", "http"]


def test_what_replaces_a_broadcast_has_room() -> None:
    cheap = replace(CHEAP, latency_per_member_us=100_000)
    plan = choose([reach_by(cheap, DEAR)] * 11 + [reach_by(cheap)] * 12, available_ms=2200)
    assert identifiers(plan) == ["dear"] * 11 + ["cheap"] * 12


def test_budgets_without_a_key_are_not_shared() -> None:
    one, other = (replace(L, id=name, budget_ms=3000) for name in ("lora:m1", "lora:m2"))
    assert choose([reach_by(one)] * 2 + [reach_by(other)] * 2, available_ms=DAY).unserved == 0


def test_a_broadcast_without_room_for_all_carries_those_who_have_nothing_else() -> None:
    window = replace(L, latency_ms=1000, latency_per_member_us=100_000)
    reaches = [reach_by(window, H)] * 15 + [reach_by(window)] * 20
    plan = choose(reaches, available_ms=3000)
    assert identifiers(plan) == ["http"] * 15 + ["lora:m1"] * 20
    assert explanation_of(plan, 0).exclusions[0].why.detail.startswith("4500 ms > 3000 ms left")
    all_fit = choose(reaches, available_ms=4500)
    assert set(identifiers(all_fit)) == {"lora:m1"}


@pytest.mark.parametrize("latency_per_member_us", [333, 1000])
def test_the_room_of_a_broadcast_is_exactly_what_its_latency_says(latency_per_member_us: int) -> None:
    window = replace(U, latency_ms=997, latency_per_member_us=latency_per_member_us)
    fitting = max(members for members in range(20) if window.latency(members) <= 1000)
    group, dear = [reach_by(window)] * (fitting - 1), broadcast("dear", fixed=10**6)
    assert choose([*group, reach_by(window, dear)], available_ms=1000).transmissions[0].members == fitting
    assert len(choose([*group, *[reach_by(window, dear)] * 2], available_ms=1000).transmissions) == 2


def test_who_has_no_unicast_comes_first_into_a_broadcast_with_little_room() -> None:
    window = replace(U, latency_per_member_us=100_000)
    dear = broadcast("very dear", fixed=10**6)
    plan = choose([reach_by(H, window)] * 20 + [reach_by(window, dear)] * 20, available_ms=3000)
    assert identifiers(plan) == ["http"] * 20 + ["udp:g1"] * 20


def test_a_broadcast_that_opening_would_only_fill_with_others_is_too_slow_for_the_unserved() -> None:
    """The first three would take all of `late`, which is cheaper for them, and the others gain nothing by it."""
    late = broadcast("late", fixed=1000, per_member=0, latency_per_member_us=1_000_000)
    other, taken, big = broadcast("other"), replace(M1, id="taken"), replace(M1, id="big")
    reaches = [reach_by(late, other)] * 3 + [reach_by(late, taken)] * 3 + [reach_by(big)] * 5
    plan = choose(reaches, available_ms=4500)
    assert identifiers(plan) == ["other"] * 3 + [None] * 3 + ["big"] * 5
    exclusions = {each.why.offer: each.why for each in explanation_of(plan, 3).exclusions}
    assert exclusions["taken"].reason is Reason.DUTY_CYCLE
    assert exclusions["late"].detail.startswith("7000 ms > 4500 ms left")


def test_unserved_for_want_of_room_says_so() -> None:
    window = replace(U, latency_per_member_us=1_000_000)
    other = replace(window, id="udp:g2")
    reaches = [reach_by(window)] * 3 + [reach_by(window, other)] * 3 + [reach_by(other)] * 3
    plan = choose(reaches, available_ms=5000)
    assert plan.unserved == 3
    (reason,) = {reason for reason in plan.reasons if reason}
    assert reason.reason is Reason.TOO_SLOW
