"""When notifications may go out: the subscription's own schedule, and that of the node behind a target."""

import math
from collections.abc import Iterator, Sequence

from cse.store import Resource
from cse.windows import next_opening
from cse.work import Work

IMMEDIATE = 2
MOST_STEPS = 100


def opening(work: Work, subscription: Resource, target: str) -> float:
    """The first moment from now on at which a notification may go to this target; infinity for never.

    Where two schedules have to agree it may be an earlier one, at which the question can be asked again.
    """
    moment = work.now
    schedules = list(_schedules(work, subscription, target))
    if not schedules:
        return moment
    for _ in range(MOST_STEPS):
        later = max((_next(entries, moment) for entries in schedules), default=moment)
        if later in (moment, math.inf):
            return later
        moment = later
    return moment


def _next(entries: Sequence[str], moment: float) -> float:
    found = next_opening(entries, moment)
    return math.inf if found is None else found


def _schedules(work: Work, subscription: Resource, target: str) -> Iterator[Sequence[str]]:
    """An event category that says immediate overrides the subscription's own schedule, not the target's."""
    if subscription.attributes.get("nec") != IMMEDIATE:
        yield from _entries(work, subscription)
    entity = None if "://" in target else work.resource(target)
    node = None if entity is None or "nl" not in entity.attributes else work.resource(entity.attributes["nl"])
    if node is not None:
        yield from _entries(work, node)


def _entries(work: Work, resource: Resource) -> Iterator[Sequence[str]]:
    for child in work.transaction.resources.children(resource.ri):
        if "se" in child.attributes:
            yield child.attributes["se"]["sce"]
