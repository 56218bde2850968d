"""The clock that tests advance."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cse.testing.clock import ManualClock


async def log_when_awake(clock: ManualClock, seconds: float, name: object, log: list[tuple[float, object]]) -> None:
    await clock.sleep(seconds)
    log.append((clock.now(), name))


async def test_time_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(100.0)
    sleeper = asyncio.create_task(clock.sleep(5))
    await clock.advance(4)
    assert clock.now() == 104.0
    assert not sleeper.done()
    await clock.advance(1)
    assert clock.now() == 105.0
    assert sleeper.done()


@pytest.mark.parametrize("seconds", [0, -3])
async def test_no_sleep_at_all_needs_no_advance(seconds: float) -> None:
    clock = ManualClock(100.0)
    await clock.sleep(seconds)
    assert clock.now() == 100.0


async def test_sleepers_wake_at_their_own_moment_and_in_their_order() -> None:
    clock, log = ManualClock(0.0), []
    async with asyncio.TaskGroup() as group:
        for name, seconds in enumerate([3, 1, 2, 1]):
            group.create_task(log_when_awake(clock, seconds, name, log))
        await clock.advance(10)
    assert log == [(1.0, 1), (1.0, 3), (2.0, 2), (3.0, 0)]


async def test_a_sleeper_that_falls_asleep_again_wakes_in_the_same_advance() -> None:
    clock, ticks = ManualClock(0.0), []

    async def tick() -> None:
        while True:
            await clock.sleep(0.5)
            ticks.append(clock.now())

    ticking = asyncio.create_task(tick())
    await clock.advance(2)
    ticking.cancel()
    assert ticks == [0.5, 1.0, 1.5, 2.0]


async def test_what_a_sleeper_starts_runs_before_the_time_moves_on() -> None:
    clock, log = ManualClock(0.0), []

    async def start_another() -> None:
        await clock.sleep(1)
        await asyncio.create_task(log_when_awake(clock, 0.5, "inner", log))

    async with asyncio.TaskGroup() as group:
        group.create_task(start_another())
        group.create_task(log_when_awake(clock, 2, "outer", log))
        await clock.advance(2)
    assert log == [(1.5, "inner"), (2.0, "outer")]


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock, log = ManualClock(0.0), []
    cancelled = asyncio.create_task(clock.sleep(1))
    other = asyncio.create_task(log_when_awake(clock, 1, "other", log))
    await clock.advance(0)
    cancelled.cancel()
    await clock.advance(1)
    assert other.done()
    assert log == [(1.0, "other")]


async def test_time_does_not_run_backwards() -> None:
    clock = ManualClock(100.0)
    with pytest.raises(ValueError, match="backwards"):
        await clock.advance(-1)
    assert clock.now() == 100.0


@settings(max_examples=20)
@given(
    naps=st.lists(st.integers(1, 20), min_size=1, max_size=10),
    steps=st.lists(st.integers(0, 10), max_size=5),
)
def test_in_however_many_steps_time_moves_everybody_wakes_when_due(naps: list[int], steps: list[int]) -> None:
    async def run() -> None:
        clock, log = ManualClock(0.0), []
        sleepers = [asyncio.create_task(log_when_awake(clock, nap, name, log)) for name, nap in enumerate(naps)]
        for step in steps:
            await clock.advance(step)
        assert [name for _, name in log] == [name for _, name in due if _ <= sum(steps)]
        await clock.advance(20)
        await asyncio.gather(*sleepers)
        assert log == due

    due = sorted((float(nap), name) for name, nap in enumerate(naps))
    asyncio.run(run())
