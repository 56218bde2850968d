"""The time windows of a crossResourceSubscription: which of its subscriptions have told of an event in the present one.

`_sources` are their identifiers, `_heard` those that have told, `_from` is when the windows began to follow each other.
"""

import math

from cse.store import Resource
from cse.timing import parse_duration
from cse.tree.delete import remove
from cse.work import Work

ALARM = "window"
PERIODIC, SLIDING = 1, 2  # timeWindowType
ALL_PRESENT, SOME_PRESENT, SOME_OR_ALL_MISSING, ALL_MISSING, SOME_MISSING = 1, 2, 3, 4, 5  # eventEvaluationMode
SILENCE = (SOME_OR_ALL_MISSING, ALL_MISSING)  # what holds in a window without any event


def begin(work: Work, crossing: Resource) -> None:
    """Nothing has been heard, and the first window begins now; the caller stores the resource."""
    crossing.attributes |= {"_heard": [], "_from": work.now}
    work.transaction.alarms.cancel(crossing.ri, ALARM)
    _await_silence(work, crossing)


def report(work: Work, address: str, source: Resource) -> None:
    """A subscription tells of an event; the first one in a sliding window is its begin."""
    crossing = work.resource(address)
    heard = [] if crossing is None else crossing.attributes["_heard"]
    if crossing is None or source.ri in heard or source.ri not in crossing.attributes["_sources"]:
        return
    crossing.attributes["_heard"] = [*heard, source.ri]
    work.transaction.resources.update(crossing)
    if not heard:
        work.alarm(crossing, ALARM, _end(work, crossing))


def forsake(work: Work, source: Resource) -> None:
    """A subscription is about to go: what hears through it goes, too."""
    for address in source.attributes.get("acrs", ()):
        crossing = work.resource(address)
        if crossing is not None and source.ri in crossing.attributes["_sources"]:
            crossing.attributes["_sources"] = [one for one in crossing.attributes["_sources"] if one != source.ri]
            work.transaction.resources.update(crossing)
            remove(work, crossing)


def close(work: Work, crossing: Resource) -> bool:
    """The present window is over: whether its events are such that somebody is to be notified."""
    sources, heard = set(crossing.attributes["_sources"]), set(crossing.attributes["_heard"])
    crossing.attributes["_heard"] = []
    work.transaction.resources.update(crossing)
    _await_silence(work, crossing)
    return {
        ALL_PRESENT: heard >= sources,
        SOME_PRESENT: bool(heard),
        SOME_OR_ALL_MISSING: not heard >= sources,
        ALL_MISSING: not heard,
        SOME_MISSING: bool(heard) and not heard >= sources,
    }[crossing.attributes.get("eem", ALL_PRESENT)]


def _await_silence(work: Work, crossing: Resource) -> None:
    """Where missing events count, periodic windows end even if there is nothing to hear."""
    attributes = crossing.attributes
    if attributes["twt"] == PERIODIC and attributes.get("eem") in SILENCE:
        work.alarm(crossing, ALARM, _end(work, crossing))


def _end(work: Work, crossing: Resource) -> float:
    size, begin = parse_duration(crossing.attributes["tws"]), crossing.attributes["_from"]
    if crossing.attributes["twt"] == SLIDING:
        return work.now + size
    return float(begin + (math.floor((work.now - begin) / size) + 1) * size)
