"""Keeps the collector of reference cycles from stopping the server when there is much that lives long.

A collection of everything takes half a microsecond per object, and a campaign to 100,000 members has a million objects.
Almost all objects go when the last reference to them does; the collector is for cycles. So it looks at young objects
often, at all of them once a minute, and no more at those that have become old while a great many did.
"""

import gc

from cse.timing import Clock

YOUNG, MIDDLE, NEVER = 2_000, 4, 1_000_000_000  # thresholds: a look at the middle-aged is at most 10,000 objects
MANY = 30_000  # objects that have grown old since the last look at them
LOOK, ALL = 0.5, 60.0  # seconds


async def keep_short(clock: Clock) -> None:
    """Until cancelled; what there is when this begins is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)
    looked = clock.now()
    while True:
        await clock.sleep(LOOK)
        if _has_grown():
            gc.freeze()
        elif clock.now() - looked >= ALL:
            gc.collect()
            looked = clock.now()


def _has_grown() -> bool:
    """Listing objects takes a while, so it is asked first whether there can be that many."""
    _, _, middle_collections = gc.get_count()
    return middle_collections * YOUNG * MIDDLE >= MANY and len(gc.get_objects(generation=2)) >= MANY
