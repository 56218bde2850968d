"""Group requests that come by again."""

import pytest

from cse.errors import GroupRequestIdentifierExists
from cse.fanout.seen import MOST_REMEMBERED, SeenRequests


def test_the_second_time_at_the_same_target_is_refused() -> None:
    seen = SeenRequests()
    seen.enter("g-1", "cse-in/city/fopt", 0.0, 10.0)
    seen.enter("g-1", "cse-in/west/fopt", 0.0, 10.0)
    seen.enter("g-2", "cse-in/city/fopt", 0.0, 10.0)
    with pytest.raises(GroupRequestIdentifierExists, match="g-1"):
        seen.enter("g-1", "cse-in/city/fopt", 9.0, 20.0)


def test_after_its_deadline_a_request_is_forgotten() -> None:
    seen = SeenRequests()
    seen.enter("g-1", "cse-in/city/fopt", 0.0, 10.0)
    seen.enter("g-1", "cse-in/city/fopt", 10.0, 20.0)


def test_requests_without_an_identifier_are_all_different() -> None:
    seen = SeenRequests()
    seen.enter(None, "cse-in/city/fopt", 0.0, 10.0)
    seen.enter(None, "cse-in/city/fopt", 0.0, 10.0)


def test_memory_is_bounded() -> None:
    seen = SeenRequests()
    for number in range(MOST_REMEMBERED + 1):
        seen.enter(f"g-{number}", "cse-in/city/fopt", 0.0, 10.0)
    seen.enter("g-0", "cse-in/city/fopt", 0.0, 10.0)
    with pytest.raises(GroupRequestIdentifierExists):
        seen.enter("g-2", "cse-in/city/fopt", 0.0, 10.0)


def test_where_a_request_has_been() -> None:
    seen = SeenRequests()
    assert seen.targets(None, 0.0) == frozenset()
    seen.note("g-1", ["a", "b"], 0.0, 10.0)
    seen.note("g-1", ["b", "c"], 1.0, 5.0)
    assert seen.targets("g-1", 9.0) == {"a", "b", "c"}
    assert seen.targets("g-1", 10.0) == frozenset()
    seen.note("g-1", ["d"], 11.0, 20.0)
    assert seen.targets("g-1", 12.0) == {"d"}


def test_the_request_that_is_under_way_is_not_forgotten_however_far_it_goes() -> None:
    seen = SeenRequests()
    seen.note("g-0", ["a"], 0.0, 10.0)
    seen.note("g-1", map(str, range(MOST_REMEMBERED + 5)), 0.0, 10.0)
    assert len(seen.targets("g-1", 1.0)) == MOST_REMEMBERED + 5
    assert seen.targets("g-0", 1.0) == frozenset()
