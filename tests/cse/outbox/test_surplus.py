"""What goes where too many wait: the oldest, of all lanes together in the longest."""

import pytest

from cse.outbox.outlet import Outlet
from cse.outbox.surplus import drop_surplus, make_room
from cse.testing.clock import ManualClock


async def nothing(number: int) -> float | None:
    return None


def lanes(*lengths: int) -> list[Outlet]:
    """Lanes of these lengths in which the first is in hand; effects have the number of their lane in thousands."""
    outlets = [Outlet("test", ManualClock(), nothing) for _ in lengths]
    for index, (outlet, length) in enumerate(zip(outlets, lengths, strict=True)):
        outlet.waiting.extend(range(1000 * index, 1000 * index + length))
    return outlets


def lengths(outlets: list[Outlet]) -> list[int]:
    return [len(outlet.waiting) for outlet in outlets]


def test_each_lane_has_its_limit() -> None:
    outlets = lanes(5, 3, 4)
    assert drop_surplus(outlets, 3) == [1, 2, 2001]
    assert lengths(outlets) == [3, 3, 3]
    assert drop_surplus(outlets, 3) == []


@pytest.mark.parametrize(
    ("before", "most", "after"),
    [
        ([5, 3], 8, [5, 3]),
        ([5, 3], 7, [4, 3]),
        ([100, 3], 102, [90, 3]),
        ([30, 25, 3], 45, [21, 21, 3]),
        ([1, 1, 1], 2, [1, 1, 1]),
    ],
    ids=["enough", "one", "a tenth", "the longest in turn", "everything is in hand"],
)
def test_the_longest_make_room(before: list[int], most: int, after: list[int]) -> None:
    outlets = lanes(*before)
    dropped = make_room(outlets, most)
    assert lengths(outlets) == after
    assert len(dropped) == sum(before) - sum(after)
    assert all(number % 1000 for number in dropped)
