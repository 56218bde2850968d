"""Which events a subscription is about: m2m:eventNotificationCriteria (TS-0004 clause 6.3.5.8)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cse.access import RIGHT_FOR, Right
from cse.attributes import (
    DURATION,
    IDENTIFIER,
    NON_NEGATIVE,
    POSITIVE,
    TIMESTAMP,
    list_of,
    one_of,
    record,
)
from cse.discovery.conditions import Kin
from cse.discovery.criteria import Filter, parse_filter
from cse.notification import Event, EventType
from cse.primitive import Operation
from cse.work import Work

TRIGGER_RECEIVED = 6
OR = 2
CRITERIA = record(
    net_=list_of(one_of(1, 2, 3, 4, 5, 6, 7, 8)),
    om_=list_of(record(ops_=POSITIVE, or_=IDENTIFIER, org_=IDENTIFIER)),
    atr_=list_of(IDENTIFIER),
    chty_=list_of(NON_NEGATIVE),
    md_=record(num=POSITIVE, dur=DURATION),
    crb_=TIMESTAMP,
    cra_=TIMESTAMP,
    ms_=TIMESTAMP,
    us_=TIMESTAMP,
    exb_=TIMESTAMP,
    exa_=TIMESTAMP,
    sts_=POSITIVE,
    stb_=NON_NEGATIVE,
    szb_=POSITIVE,
    sza_=NON_NEGATIVE,
    fo_=one_of(1, 2),
    nct_=one_of(1, 2, 3, 4, 5),
)
NO_KIN = Kin()
NO_FILTERS = {"net", "om", "atr", "chty", "md", "fo"}
UPDATES = {EventType.UPDATED, EventType.BLOCKING_UPDATE}
CHILD_EVENTS = {EventType.CHILD_CREATED, EventType.CHILD_DELETED}

Criteria = Mapping[str, Any]
Monitor = Mapping[str, Any]


def concerns(work: Work, criteria: Criteria, event: Event) -> bool:
    """Whether an event is one of those that the criteria are about."""
    if "om" in criteria:
        return matching_monitor(work, criteria["om"], event) is not None and _fits(criteria, event)
    return event.type in criteria["net"] and _fits(criteria, event)


def matching_monitor(work: Work, monitors: Sequence[Monitor], event: Event) -> Monitor | None:
    """The first operation monitor that is about what an originator did to the subscribed-to resource, if that is it."""
    if event.operation is None:
        return None
    return next((monitor for monitor in monitors if _monitors(work, monitor, event.operation)), None)


def filter_of(criteria: Criteria) -> Filter:
    """The criteria that are those of a discovery, too; BadRequest says what is wrong with them."""
    values = {name: [str(value)] for name, value in criteria.items() if name not in NO_FILTERS}
    return parse_filter(values, frozenset())


def _fits(criteria: Criteria, event: Event) -> bool:
    """The conditions beside the type of the event: all of them, or one where fo says so."""
    held = list(_held(criteria, event))
    return any(held) or not held if criteria.get("fo") == OR else all(held)


def _held(criteria: Criteria, event: Event) -> Iterator[bool]:
    if "atr" in criteria and event.type in UPDATES:
        yield not set(criteria["atr"]).isdisjoint(event.changed)
    if "chty" in criteria and event.type in CHILD_EVENTS:
        yield event.subject.ty in criteria["chty"]
    for condition in filter_of(criteria).conditions:
        yield condition(event.subject, NO_KIN)


def _monitors(work: Work, monitor: Monitor, operation: Operation) -> bool:
    originator = monitor.get("org", monitor.get("or"))
    if originator is not None and work.model.naming.originator(originator) != work.originator:
        return False
    if "ops" not in monitor:
        return True
    if "org" in monitor:
        return bool(monitor["ops"] == operation)
    return bool(monitor["ops"] & _right(work, operation))


def _right(work: Work, operation: Operation) -> Right:
    discovers = work.request is not None and work.request.filters.get("fu") == ["1"]
    return Right.DISCOVERY if discovers else RIGHT_FOR[operation]
