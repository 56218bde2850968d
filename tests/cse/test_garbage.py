"""The collector looks at little: neither at what there was at the start, nor at what a large campaign is made of."""

import asyncio
import gc
from collections.abc import Iterator

import pytest

from cse.garbage import ALL, LOOK, MANY, keep_short
from cse.testing.clock import ManualClock, settle


@pytest.fixture(autouse=True)
def undone() -> Iterator[None]:
    """The collector belongs to all tests."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


async def test_what_has_grown_old_in_great_numbers_is_left_alone() -> None:
    clock = ManualClock()
    task = asyncio.create_task(keep_short(clock))
    await settle()
    assert len(gc.get_objects(generation=2)) < MANY
    many: list[list[object]] = [[] for _ in range(2 * MANY)]
    gc.collect(1)
    assert len(gc.get_objects(generation=2)) >= MANY
    await clock.advance(LOOK)
    assert len(gc.get_objects(generation=2)) < MANY
    task.cancel()
    assert len(many) == 2 * MANY


async def test_cycles_that_have_grown_old_are_collected_after_a_while() -> None:
    clock = ManualClock()
    task = asyncio.create_task(keep_short(clock))
    await settle()
    old = gc.get_stats()[2]["collections"]
    for _ in range(round(ALL / LOOK) + 1):
        await clock.advance(LOOK)
    assert gc.get_stats()[2]["collections"] > old
    task.cancel()
