"""One lane: in order, with pauses, and without its oldest where they are too many."""

import asyncio

import pytest

from cse.outbox.outlet import Outlet
from cse.testing.clock import ManualClock


class Lane:
    """An outlet that runs; what is in `pauses` is put off for so long, once for each entry."""

    def __init__(self, clock: ManualClock) -> None:
        self.outlet = Outlet("test", clock, self._carry_out)
        self.tried: list[int] = []
        self.pauses: dict[int, list[float]] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    async def _carry_out(self, number: int) -> float | None:
        self.tried.append(number)
        await self.gate.wait()
        left = self.pauses.get(number)
        return left.pop(0) if left else None

    def start(self, *numbers: int) -> "asyncio.Task[None]":
        self.outlet.waiting.extend(numbers)
        return asyncio.create_task(self.outlet.run())


@pytest.fixture
async def lane(clock: ManualClock) -> Lane:
    return Lane(clock)


async def test_everything_in_order(lane: Lane) -> None:
    await lane.start(1, 2, 3)
    assert lane.tried == [1, 2, 3]


async def test_what_is_put_off_comes_again_before_the_others(lane: Lane, clock: ManualClock) -> None:
    lane.pauses = {1: [5, 10], 2: [0]}
    running = lane.start(1, 2)
    await clock.advance(4)
    assert lane.tried == [1]
    assert lane.outlet.is_asleep
    await clock.advance(1)
    assert lane.tried == [1, 1]
    await clock.advance(10)
    await running
    assert lane.tried == [1, 1, 1, 2, 2]
    assert not lane.outlet.is_asleep


async def test_it_can_be_woken(lane: Lane, clock: ManualClock) -> None:
    lane.pauses = {1: [5, 5]}
    running = lane.start(1)
    await clock.advance(1)
    lane.outlet.wake()
    await clock.advance(0)
    assert lane.tried == [1, 1]
    await clock.advance(4.5)
    assert lane.tried == [1, 1]
    await clock.advance(0.5)
    await running


async def test_the_oldest_are_dropped_but_not_what_is_in_hand(lane: Lane, clock: ManualClock) -> None:
    lane.gate.clear()
    running = lane.start(1, 2, 3, 4)
    await clock.advance(0)
    assert lane.outlet.drop(2) == [2, 3]
    assert lane.outlet.drop(9) == [4]
    assert lane.outlet.drop(1) == []
    lane.gate.set()
    await running
    assert lane.tried == [1]


async def test_nothing_is_in_hand_in_a_pause(lane: Lane, clock: ManualClock) -> None:
    lane.pauses = {1: [5]}
    running = lane.start(1, 2)
    await clock.advance(1)
    assert lane.outlet.drop(1) == [1]
    await clock.advance(4)
    await running
    assert lane.tried == [1, 2]


async def test_everything_can_be_dropped_in_a_pause(lane: Lane, clock: ManualClock) -> None:
    lane.pauses = {1: [5]}
    running = lane.start(1, 2)
    await clock.advance(1)
    assert lane.outlet.drop(2) == [1, 2]
    await clock.advance(4)
    await running
    assert lane.tried == [1]
