"""Grouping is compared with a reference that looks at each member by itself."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as some

from cse.matching import choose
from cse.matching.signatures import group, key
from cse.network import Offer, Reach, Reason, Unreachable, Way
from tests.cse.matching.offers import DAY, H, U, broadcast

POOLED = replace(H, id="pooled", fixed=30)
OFFERS = [H, U, broadcast("b"), POOLED, replace(H)]  # the last is another object for the first
NUMBERS = some.integers(0, 1)


def entry(offer: Offer, number: int, detail: int) -> Way | Unreachable:
    if detail:
        return Unreachable(offer.network, list(Reason)[number], f"detail {detail}")
    return Way(offer, f"address {number}")


entries = some.builds(entry, some.sampled_from(OFFERS), NUMBERS, some.integers(0, 2))
reaches_of = some.lists(some.lists(entries, max_size=4, unique_by=lambda each: each[0]).map(tuple), max_size=12)
Described = tuple[object, int, tuple[int, ...], dict[object, tuple[int, str]], dict[str, set[str]]]


def described(reaches: Sequence[Reach]) -> list[Described]:
    return [
        (
            frozenset(map(key, each.ways)),
            each.members,
            each.first(3),
            {what: (refusal.count, refusal.detail) for what, refusal in each.refusals.items()},
            each.addresses,
        )
        for each in group(reaches)
    ]


def member_by_member(reaches: Sequence[Reach]) -> list[Described]:
    hosts: dict[frozenset[tuple[str, str]], list[int]] = defaultdict(list)
    for host, reach in enumerate(reaches):
        hosts[frozenset(key(way) for way in reach if isinstance(way, Way))].append(host)
    found: list[Described] = []
    for keys in sorted(hosts, key=sorted):
        every = [each for host in hosts[keys] for each in reaches[host]]
        refusals = [each for each in every if isinstance(each, Unreachable)]
        counts = Counter(each[:2] for each in refusals)
        details = {what: min(each.detail for each in refusals if each[:2] == what) for what in counts}
        pooled = [each for each in every if isinstance(each, Way) and each.offer is POOLED]
        addresses = {way.offer.id: {each.address for each in pooled} for way in pooled}
        what = {what: (count, details[what]) for what, count in counts.items()}
        found.append((keys, len(hosts[keys]), tuple(hosts[keys][:3]), what, addresses))
    return found


@given(reaches_of)
def test_members_are_grouped_as_if_each_were_looked_at_by_itself(reaches: list[Reach]) -> None:
    assert described(reaches) == member_by_member(reaches)


@given(reaches_of)
def test_each_member_has_its_own_way_or_its_own_reason(reaches: list[Reach]) -> None:
    plan = choose(reaches, available_ms=DAY)
    for reach, way, reason in zip(reaches, plan.choices, plan.reasons, strict=True):
        assert way is None or way in reach
        refusals = [each for each in reach if isinstance(each, Unreachable)]
        assert way is not None or not refusals or any(isinstance(each, Way) for each in reach) or reason in refusals


@given(reaches_of)
def test_it_does_not_matter_which_objects_networks_hand_over(reaches: list[Reach]) -> None:
    def copied(each: Way | Unreachable) -> Way | Unreachable:
        return Way(replace(each.offer), each.address) if isinstance(each, Way) else Unreachable(*each)

    copies = [[copied(each) for each in reach] for reach in reaches]
    assert described(copies) == described(reaches)
    assert choose(copies, available_ms=DAY) == choose(reaches, available_ms=DAY)
