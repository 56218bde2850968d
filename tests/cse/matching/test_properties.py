import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cse.matching import Plan, choose, component
from cse.network import Offer, Reach, Way
from tests.cse.matching.offers import DAY, H, broadcast, reach_by

# Small instances at random. Units are tiny so that ties, thin broadcasts and exhausted budgets are frequent.

small = st.integers(0, 4)
EXAMPLES = settings().max_examples


@st.composite
def instances(draw: st.DrawFn, *, windows: bool = False, hosts: int = 5) -> list[Reach]:
    gateway = {"budget_ms": draw(st.integers(3, 6)), "budget_key": "gateway"}
    ways = []
    for number in range(draw(st.integers(2, 4))):
        offer = broadcast(
            f"b{number}",
            draw(small) * 5,
            draw(small) * 2,
            loss_ppm=draw(small) * 100_000,
            latency_per_member_us=draw(small) * 1_000_000 if windows else 0,
            airtime_ms=draw(small),
            preference=draw(small),
            **draw(st.sampled_from([{}, gateway])),
        )
        ways += [Way(offer, address) for address in draw(st.sampled_from(["x", "xy"]))]
    unicasts = [Offer(f"u{number}", f"u{number}", False, 0, draw(small) * 5, 0, 100, 99) for number in range(2)]
    ways += [Way(offer, offer.id) for offer in unicasts]
    kinds = draw(
        st.lists(st.lists(st.sampled_from(ways), min_size=1, max_size=4, unique_by=id), min_size=1, max_size=4)
    )
    return kinds + draw(st.lists(st.sampled_from(kinds), max_size=hosts - len(kinds)))


def unicast_unit(reach: Reach) -> int | None:
    return min(
        (way.offer.per_member for way in reach if isinstance(way, Way) and not way.offer.broadcast), default=None
    )


def rank(way: Way, reach: Reach) -> tuple[int, int, int, int, str, str]:
    """The order in which a member prefers its ways; the first component is the unit cost."""
    offer = way.offer
    if not offer.broadcast:
        return offer.per_member, 0, offer.latency_ms, offer.preference, offer.id, ""
    unit = offer.per_member + offer.loss_ppm * (unicast_unit(reach) or 0) // 1_000_000
    return unit, offer.loss_ppm, offer.latency_ms, offer.preference, offer.id, way.address


def total(reaches: Sequence[Reach], choices: Sequence[Way | None]) -> tuple[int, int]:
    """(unserved, cost), member by member."""
    fixed = {(way.offer.id, way.address): way.offer.fixed for way in choices if way and way.offer.broadcast}
    units = (rank(way, reach)[0] for way, reach in zip(choices, reaches, strict=True) if way)
    return sum(way is None for way in choices), sum(fixed.values()) + sum(units)


def obeys(reaches: Sequence[Reach], choices: Sequence[Way | None], available_ms: int = DAY) -> bool:
    """The rules of a broadcast: two members, or one without unicast; its budget; its window."""
    users: dict[tuple[str, str], list[Reach]] = defaultdict(list)
    offers: dict[tuple[str, str], Offer] = {}
    for way, reach in zip(choices, reaches, strict=True):
        if way and way.offer.broadcast:
            users[way.offer.id, way.address].append(reach)
            offers[way.offer.id, way.address] = way.offer
    spent: Counter[str] = Counter()
    for key, offer in offers.items():
        if len(users[key]) == 1 and unicast_unit(users[key][0]) is not None:
            return False
        if offer.latency(len(users[key])) > available_ms:
            return False
        if offer.budget_ms is not None:
            spent[offer.budget_key] += offer.airtime_ms
            if spent[offer.budget_key] > offer.budget_ms:
                return False
    return True


def everybody_takes_the_cheapest(reaches: Sequence[Reach], choices: Sequence[Way | None]) -> bool:
    """Nobody is sent by another way than the best of those that are his and in use, or unicast."""
    opened = {way for way in choices if way}
    for way, reach in zip(choices, reaches, strict=True):
        mine = [each for each in reach if isinstance(each, Way) and (each in opened or not each.offer.broadcast)]
        if way != min(mine, key=lambda each: rank(each, reach), default=None):
            return False
    return True


def all_assignments(reaches: Sequence[Reach]) -> Iterator[tuple[Way | None, ...]]:
    for choices in itertools.product(*([None, *reach] for reach in reaches)):
        if obeys(reaches, choices) and everybody_takes_the_cheapest(reaches, choices):
            yield choices


@settings(max_examples=3 * EXAMPLES)
@given(instances())
def test_no_assignment_of_the_members_is_better(reaches: list[Reach]) -> None:
    plan = choose(reaches, available_ms=DAY)
    best = min(total(reaches, choices) for choices in all_assignments(reaches))
    assert (plan.unserved, plan.cost) == total(reaches, plan.choices) == best
    assert obeys(reaches, plan.choices)
    assert everybody_takes_the_cheapest(reaches, plan.choices)


@settings(max_examples=2 * EXAMPLES)
@given(instances(windows=True, hosts=12), st.integers(1000, 9000))
def test_whatever_is_offered_the_explanation_adds_up(reaches: list[Reach], available_ms: int) -> None:
    plan = choose(reaches, available_ms=available_ms)
    assert obeys(reaches, plan.choices, available_ms)
    assert all(way is None or way in reach for way, reach in zip(plan.choices, reaches, strict=True))
    assert all((way is None) != (reason is None) for way, reason in zip(plan.choices, plan.reasons, strict=True))
    assert sum(explanation.members for explanation in plan.signatures) == len(reaches)
    assert plan.unserved == plan.choices.count(None)
    assert plan.unserved == sum(each.members for each in plan.signatures if each.chosen is None)
    units = sum(each.members * each.chosen.unit for each in plan.signatures if each.chosen)
    assert plan.cost == units + sum(each.offer.fixed for each in plan.transmissions)
    carried = Counter((way.offer.id, way.address) for way in plan.choices if way and way.offer.broadcast)
    assert {(each.offer.id, each.address): each.members for each in plan.transmissions} == carried
    for each in plan.signatures:
        prices = [price.offer.id for price in [each.chosen, *each.alternatives] if price]
        excluded = [exclusion.why.offer for exclusion in each.exclusions]
        offered = {(way.offer.id, way.offer.broadcast and way.address) for way in reaches[each.examples[0]]}
        assert sorted(prices + excluded) == sorted(name for name, _ in offered)


@settings(max_examples=2 * EXAMPLES)
@given(instances(windows=True, hosts=12), st.randoms(use_true_random=False), st.integers(1000, 9000))
def test_the_order_of_the_hosts_changes_nothing(
    reaches: list[Reach], shuffler: random.Random, available_ms: int
) -> None:
    order = list(range(len(reaches)))
    shuffler.shuffle(order)
    plan = choose(reaches, available_ms=available_ms)
    shuffled = choose([reaches[host] for host in order], available_ms=available_ms)
    assert shuffled.choices == [plan.choices[host] for host in order]
    assert shuffled.reasons == [plan.reasons[host] for host in order]
    assert without_examples(shuffled) == without_examples(plan)


def without_examples(plan: Plan) -> dict[str, object]:
    document = plan.as_document()
    for signature in document["signatures"]:
        del signature["examples"]
    return document


@settings(max_examples=2 * EXAMPLES)
@given(instances(hosts=12))
def test_local_search_is_feasible_between_exact_and_unicast_only(reaches: list[Reach]) -> None:
    exact = choose(reaches, available_ms=DAY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(component, "_ENUMERABLE", 0)
        found = choose(reaches, available_ms=DAY)
    unicast_only = choose(
        [[way for way in reach if isinstance(way, Way) and not way.offer.broadcast] for reach in reaches],
        available_ms=DAY,
    )
    assert obeys(reaches, found.choices)
    assert (exact.unserved, exact.cost) <= (found.unserved, found.cost) <= (unicast_only.unserved, unicast_only.cost)


def test_local_search_with_many_broadcasts_that_overlap() -> None:
    seeded = random.Random(7)
    offers = [broadcast(f"b{n}", 3000 + 100 * n, 10 * n, airtime_ms=400) for n in range(20)]
    offers = [replace(offer, budget_ms=2000, budget_key=f"gateway{n % 2}") for n, offer in enumerate(offers)]
    reaches = [reach_by(*seeded.sample(offers, 3), H, host=host) for host in range(400)]
    plan = choose(reaches, available_ms=DAY)
    assert obeys(reaches, plan.choices)
    assert 2 <= len(plan.transmissions) <= 10
    assert plan.cost < plan.unicast_cost // 2


def test_local_search_exchanges_what_has_become_second_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """`wide` saves most and is opened first; when `other` carries most of its members, `late` saves more."""
    monkeypatch.setattr(component, "_ENUMERABLE", 0)
    shared = {"airtime_ms": 9, "budget_ms": 9, "budget_key": "gateway"}
    wide, late, other = broadcast("wide", **shared), broadcast("late", **shared), broadcast("other")
    groups = [(3, [wide, other, H]), (2, [wide, H]), (3, [late, H]), (1, [other, H])]
    plan = choose([reach_by(*offers) for members, offers in groups for _ in range(members)], available_ms=DAY)
    assert [each.offer.id for each in plan.transmissions] == ["late", "other"]
