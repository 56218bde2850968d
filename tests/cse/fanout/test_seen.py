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
