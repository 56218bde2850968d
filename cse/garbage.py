"""Keeps the collector of reference cycles from stopping the server when there is much that lives long.

A collection goes through everything that it is about, and through whatever that refers to: a list of 100,000 hosts
takes ten milliseconds. Almost all objects go when the last reference to them does; the collector is for cycles. So it
looks at young objects, at all of them once a minute, and not at those that have survived a look in great numbers, as
those of a large campaign do. At these it looks once an hour, when no campaign is under way, so that a cycle among them
is not kept for ever.
"""

import gc
from collections.abc import Callable
from typing import Any

from cse.timing import Clock

YOUNG, MIDDLE, NEVER = 3_000, 2, 1_000_000_000  # thresholds of the three generations
SURVIVORS = 2_400  # of looks at young objects, that are not looked at again
MANY = 15_000  # the same of older ones
BRIEF, LOOK, ALL, THOROUGH = 0.01, 0.5, 60.0, 3600.0  # seconds


async def keep_short(clock: Clock, is_quiet: Callable[[], bool]) -> None:
    """Until cancelled. A thorough look takes a tenth of a second or more, and waits until it is quiet."""
    _look_at_everything()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)
    gc.callbacks.append(_leave_survivors_alone)
    looked = thoroughly = last = clock.now()
    try:
        while True:
            await clock.sleep(BRIEF)
            gc.collect(0)  # what is freed makes up for what is made, so that by itself it may wait for 50,000 objects
            now = clock.now()
            if now - last < LOOK:
                continue
            last = now
            if now - thoroughly >= THOROUGH and is_quiet():
                _look_at_everything()
                thoroughly = now
            elif _has_grown():
                gc.freeze()
            elif now - looked >= ALL:
                gc.collect()
                looked = now
    finally:
        gc.callbacks.remove(_leave_survivors_alone)


def _look_at_everything() -> None:
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _leave_survivors_alone(phase: str, collection: dict[str, Any]) -> None:
    if phase == "stop" and collection["generation"] == 0 and _number_of_objects(1) >= SURVIVORS:
        gc.freeze()


def _has_grown() -> bool:
    """Listing objects takes a while, so it is asked first whether there can be that many."""
    _, _, collections = gc.get_count()
    return collections * SURVIVORS >= MANY and _number_of_objects(2) >= MANY


def _number_of_objects(generation: int) -> int:
    """Without a line of Python while they are listed.

    Another thread could go on there, and be refused the end of a tuple: one that something else refers to, which the
    list does, must not change any more.
    """
    return next(map(len, map(gc.get_objects, (generation,))))
