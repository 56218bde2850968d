"""The collector looks at little: neither at what there was at the start, nor at what a large campaign is made of."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator

import pytest

from cse import garbage
from cse.garbage import LOOK, MANY, SURVIVORS, YOUNG, keep_short
from cse.testing.clock import ManualClock, settle


@pytest.fixture(autouse=True)
async def clock() -> AsyncIterator[ManualClock]:
    """The collector belongs to all tests, so everything is as it was afterwards."""
    thresholds, clock = gc.get_threshold(), ManualClock()
    task = asyncio.create_task(keep_short(clock, lambda: True))
    await settle()
    yield clock
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert all("garbage" not in callback.__module__ for callback in gc.callbacks if hasattr(callback, "__module__"))
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def seen() -> int:
    """How many objects the collector would look at."""
    return len(gc.get_objects())


async def test_what_survives_in_great_numbers_is_left_alone_at_once() -> None:
    many: list[list[object]] = [[] for _ in range(20 * YOUNG)]
    assert seen() < SURVIVORS + 2 * YOUNG
    assert len(many) == 20 * YOUNG


async def test_what_has_grown_old_in_great_numbers_is_left_alone(clock: ManualClock) -> None:
    many: list[list[list[object]]] = []
    while len(gc.get_objects(generation=2)) < MANY:
        many.append([[] for _ in range(SURVIVORS // 2)])
        gc.collect(1)
    for _ in range(5):
        gc.collect(1)  # as many as it would have taken, had they grown slowly
    await clock.advance(2 * LOOK)
    assert seen() < MANY
    assert many


async def test_cycles_that_have_grown_old_are_collected_after_a_while(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garbage, "ALL", LOOK)
    old = gc.get_stats()[2]["collections"]
    await clock.advance(2 * LOOK)
    assert gc.get_stats()[2]["collections"] > old


async def test_a_cycle_among_what_was_left_alone_is_found_by_a_thorough_look(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garbage, "THOROUGH", LOOK)

    class Knot:
        def __init__(self) -> None:
            self.itself = self

    knot = weakref.ref(Knot())
    gc.freeze()
    gc.collect()
    assert knot() is not None
    await clock.advance(2 * LOOK)
    assert knot() is None
