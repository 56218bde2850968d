"""timeSeries (TS-0001 clause 9.6.36): instances at regular moments, and which of them are missing."""

from typing import Any

from cse.attributes import (
    BOOLEAN,
    CREATOR,
    IDENTIFIER,
    NON_NEGATIVE,
    NP,
    POSITIVE,
    REGULAR,
    TIMESTAMP,
    Attribute,
    O,
    list_of,
    table,
)
from cse.errors import BadRequest, Conflict
from cse.events import announce
from cse.notification import Event, EventType
from cse.primitive import Request
from cse.store import Resource
from cse.timing import parse_timestamp, precise_timestamp
from cse.work import Work
from resources.common.data_points import MOST_PENDING, Detection
from resources.common.history import COUNTERS, LIMITS, History, latest_and_oldest
from resources.content_instance import CONTENT_INFO

DETECTION = "_detection"
SETTINGS = ("pei", "peid", "mdt", "mdn")
MOST_LISTED = 1000  # missing data points in mdlt where mdn is larger or absent
FINEST = 0.1  # seconds between two looks at deadlines that are closer together
REPORT = EventType.REPORT_ON_MISSING_DATA_POINTS


class TimeSeries(History):
    number = 29
    name = "timeSeries"
    short_name = "ts"
    parents = frozenset({2, 3, 5, 16, 28})
    touchable = True
    reports = History.reports | {REPORT}
    instance = 30
    virtual_children = latest_and_oldest(instance)
    attributes = table(
        REGULAR,
        CREATOR,
        LIMITS,
        COUNTERS,
        Attribute("pei", "periodicInterval", POSITIVE, O, O),
        Attribute("peid", "periodicIntervalDelta", NON_NEGATIVE, O, O),
        Attribute("mdd", "missingDataDetect", BOOLEAN, O, O, default=False),
        Attribute("mdn", "missingDataMaxNr", POSITIVE, O, O),
        Attribute("mdlt", "missingDataList", list_of(TIMESTAMP), NP, NP),
        Attribute("mdc", "missingDataCurrentNr", NON_NEGATIVE, NP, NP, required=True, default=0),
        Attribute("mdt", "missingDataDetectTimer", POSITIVE, O, O),
        Attribute("or", "ontologyRef", IDENTIFIER, O, O),
        Attribute("cnf", "contentInfo", CONTENT_INFO, O, NP),
    )

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        attributes = resource.attributes
        if "pei" in attributes:
            attributes.setdefault("peid", attributes["pei"] // 2)
        _check(attributes)

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        settings = [name for name in SETTINGS if name in changes]
        if settings and (resource.attributes.get("mdd") or "mdd" in changes):
            raise BadRequest(f"{settings[0]} can't be changed together with mdd or while mdd is true: set mdd to false")
        after = resource.attributes | changes
        if {"pei", "peid"} & set(changes) and changes.get("peid") is None:
            changes["peid"] = after["peid"] = after["pei"] // 2 if after.get("pei") else None
        _check(after)

    def updated(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        super().updated(work, resource, changes)
        if "mdd" in changes:
            _restart(work, resource)
        if "mdn" in changes:
            _list(resource, [])
        work.transaction.resources.update(resource)

    def admit(self, work: Work, resource: Resource, instance: Resource) -> None:
        if work.transaction.resources.has_child(resource.ri, instance.attributes["_key"]):
            raise Conflict(f"{resource.path} has an instance with dgt {instance.attributes['dgt']}: give another dgt")
        if resource.attributes.get("mdd") and "pei" in resource.attributes:
            _receive(work, resource, instance)
        super().admit(work, resource, instance)

    def alarm(self, work: Work, resource: Resource, name: str) -> None:
        detection = Detection(**resource.attributes[DETECTION])
        _give_up(work, resource, detection)
        _keep(work, resource, detection)
        work.transaction.resources.update(resource)


def _check(attributes: dict[str, Any]) -> None:
    period, tolerance, patience = (attributes.get(name) for name in ("pei", "peid", "mdt"))
    if tolerance is not None and 2 * tolerance > (period or 0):
        raise BadRequest("peid must be at most half of pei: lower it")
    if not attributes.get("mdd"):
        return
    if patience is None or patience <= (tolerance or 0):
        raise BadRequest("mdd needs mdt, which must be greater than peid: set mdt first")
    if period and patience > MOST_PENDING * period:
        raise BadRequest(f"mdd needs an mdt of at most {MOST_PENDING} times pei: lower it first")


def _restart(work: Work, resource: Resource) -> None:
    """Detection begins anew with the next instance, or stops; what was missing is remembered until it begins."""
    work.transaction.alarms.cancel(resource.ri, DETECTION)
    resource.attributes.pop(DETECTION, None)
    if resource.attributes.get("mdd"):
        resource.attributes.pop("mdlt", None)
        resource.attributes["mdc"] = 0


def _receive(work: Work, resource: Resource, instance: Resource) -> None:
    generated = _microseconds(parse_timestamp(instance.attributes["dgt"]))
    if DETECTION in resource.attributes:
        detection = Detection(**resource.attributes[DETECTION])
        _give_up(work, resource, detection)
        detection.receive(generated, _microseconds(work.now))
    else:
        detection = Detection(generated, *(1000 * resource.attributes[name] for name in ("pei", "peid", "mdt")))
    _keep(work, resource, detection)


def _keep(work: Work, resource: Resource, detection: Detection) -> None:
    resource.attributes[DETECTION] = detection.document
    work.alarm(resource, DETECTION, max(detection.deadline / 1e6, work.now + FINEST))


def _give_up(work: Work, resource: Resource, detection: Detection) -> None:
    """Put the data points whose deadline has come on the list, and tell those who watch of each."""
    moments = detection.missing(_microseconds(work.now), _most_listed(resource))
    points = [precise_timestamp(moment / 1e6) for moment in moments]
    _list(resource, points)
    for point in points:
        announce(work, Event(REPORT, resource, resource, content={"m2m:tsn": {"mdlt": [point], "mdc": 1}}))


def _list(resource: Resource, points: list[str]) -> None:
    """Add missing data points; the oldest go where there are too many."""
    listed = [*resource.attributes.get("mdlt", ()), *points][-_most_listed(resource) :]
    resource.attributes["mdc"] = len(listed)
    if listed:
        resource.attributes["mdlt"] = listed


def _most_listed(resource: Resource) -> int:
    return min(int(resource.attributes.get("mdn", MOST_LISTED)), MOST_LISTED)


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)
