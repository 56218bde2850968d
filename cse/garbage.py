"""Keeps the collector of reference cycles from stopping the server when there is much that lives long.

A collection goes through everything that it is about, and through whatever that refers to: a list of 100,000 hosts
takes ten milliseconds. Almost all objects go when the last reference to them does; the collector is for cycles. So it
looks at young objects, at all of them once a minute, and never again at those that have survived a look in great
numbers, as those of a large campaign do.
"""

import gc
from typing import Any

from cse.timing import Clock

YOUNG, MIDDLE, NEVER = 3_000, 2, 1_000_000_000  # thresholds of the three generations
SURVIVORS = 2_400  # of looks at young objects, that are not looked at again
MANY = 15_000  # the same of older ones
LOOK, ALL = 0.5, 60.0  # seconds


async def keep_short(clock: Clock) -> None:
    """Until cancelled; what there is when this begins is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)
    gc.callbacks.append(_leave_survivors_alone)
    looked = clock.now()
    try:
        while True:
            await clock.sleep(LOOK)
            if _has_grown():
                gc.freeze()
            elif clock.now() - looked >= ALL:
                gc.collect()
                looked = clock.now()
    finally:
        gc.callbacks.remove(_leave_survivors_alone)


def _leave_survivors_alone(phase: str, collection: dict[str, Any]) -> None:
    if phase == "stop" and collection["generation"] == 0 and len(gc.get_objects(generation=1)) >= SURVIVORS:
        gc.freeze()


def _has_grown() -> bool:
    """Listing objects takes a while, so it is asked first whether there can be that many."""
    _, _, collections = gc.get_count()
    return collections * SURVIVORS >= MANY and len(gc.get_objects(generation=2)) >= MANY
