"""What must fit together in a subscription, and what the CSE fills in (TS-0004 clause 7.4.8.2)."""

from collections.abc import Iterable, Mapping
from typing import Any

from cse.attributes import DataType
from cse.errors import (
    BadRequest,
    BlockingSubscriptionAlreadyExists,
    NotImplementedByThisCSE,
    SubscriptionVerificationFailed,
)
from cse.notification import EventType
from cse.primitive import Operation
from cse.resource import ResourceType
from cse.store import Resource
from cse.timing import parse_duration
from cse.work import Model
from resources.notifications.content import (
    ALL_ATTRIBUTES,
    MODIFIED_ATTRIBUTES,
    RESOURCE_ID,
    TIME_SERIES,
    TRIGGER_PAYLOAD,
)
from resources.notifications.criteria import TRIGGER_RECEIVED, filter_of

MONITOR = 0  # stands for an operation monitor where there is no type of event
CONTENT_TYPES: dict[int, tuple[int, ...]] = {
    MONITOR: (ALL_ATTRIBUTES, RESOURCE_ID),
    EventType.UPDATED: (ALL_ATTRIBUTES, MODIFIED_ATTRIBUTES, RESOURCE_ID),
    EventType.DELETED: (ALL_ATTRIBUTES, RESOURCE_ID),
    EventType.CHILD_CREATED: (ALL_ATTRIBUTES, RESOURCE_ID),
    EventType.CHILD_DELETED: (ALL_ATTRIBUTES, RESOURCE_ID),
    EventType.RETRIEVED_WHILE_EMPTY: (ALL_ATTRIBUTES, RESOURCE_ID),
    TRIGGER_RECEIVED: (TRIGGER_PAYLOAD,),
    EventType.BLOCKING_UPDATE: (MODIFIED_ATTRIBUTES,),
    EventType.REPORT_ON_MISSING_DATA_POINTS: (TIME_SERIES,),
}
SPECIAL = {EventType.RETRIEVED_WHILE_EMPTY, EventType.REPORT_ON_MISSING_DATA_POINTS}
NOT_WHILE_BLOCKING = ("bn", "rl", "psn", "pn", "nsp", "ln", "exc")
DEFAULT_CRITERIA = {"net": [int(EventType.UPDATED)]}
ALL_RIGHTS = 63
EVENT_CATEGORY = DataType(
    "an event category: 2 (immediate), 3 (best effort), 4 (latest) or 100 to 999",
    lambda value: type(value) is int and (2 <= value <= 4 or 100 <= value <= 999),
    loosely=lambda value: int(value) if isinstance(value, str) and value.isdecimal() else value,
)

Attributes = Mapping[str, Any]


def events_of(attributes: Attributes) -> set[int]:
    """The types of events that the subscription is about."""
    criteria = attributes["enc"]
    return {MONITOR} if "om" in criteria else set(criteria["net"])


def move_content_type(attributes: dict[str, Any]) -> None:
    """Some clients state notificationContentType among the criteria; it counts as if it stood where it belongs."""
    criteria = attributes.get("enc") or {}
    if "nct" in criteria:
        attributes["enc"] = {name: value for name, value in criteria.items() if name != "nct"}
        attributes.setdefault("nct", criteria["nct"])


def filled_criteria(wanted: Attributes | None) -> Attributes:
    """The criteria with the type of event that stands for none."""
    criteria = wanted or {}
    return criteria if "net" in criteria or "om" in criteria else {**criteria, **DEFAULT_CRITERIA}


def filled_batch(model: Model, batch: Attributes) -> Attributes:
    """batchNotify with the duration of this CSE where it has none."""
    return {"dur": f"PT{model.settings.batch_duration}S", **batch}


def default_content_type(attributes: Attributes) -> int:
    """The notificationContentType that goes without saying."""
    found = {CONTENT_TYPES[event][0] for event in events_of(attributes)}
    if len(found) > 1:
        raise BadRequest("enc: these values of net have no notificationContentType in common: use subscriptions apart")
    return found.pop()


def check_criteria(model: Model, attributes: Attributes, parent: ResourceType) -> None:
    """BadRequest unless the parts of enc go together, and can happen to resources of this type."""
    criteria = attributes["enc"]
    if "om" in criteria:
        _check_monitors(criteria)
    if TRIGGER_RECEIVED in events_of(attributes):
        raise NotImplementedByThisCSE("enc: net 6 needs device triggering, which this CSE does not have")
    if absent := sorted((events_of(attributes) & SPECIAL) - parent.reports):
        raise BadRequest(f"enc: net {absent[0]} does not happen to a {parent.name}: subscribe elsewhere")
    if (EventType.REPORT_ON_MISSING_DATA_POINTS in events_of(attributes)) != ("md" in criteria):
        raise BadRequest("enc: net 8 and md (with num and dur) go together: give both or none")
    for number in criteria.get("chty", ()):
        if number not in model.types or not model.types[number].may_be_below(parent):
            raise BadRequest(f"enc: chty {number} is no child of a {parent.name}: remove it")
    filter_of(criteria)


def check_content_type(attributes: Attributes, *, lenient: bool) -> None:
    """BadRequest unless nct goes with the events; an old client may ask for the changes only and take all."""
    form = attributes["nct"]
    for event in events_of(attributes):
        allowed = CONTENT_TYPES[event]
        if form not in allowed and not (lenient and form == MODIFIED_ATTRIBUTES and ALL_ATTRIBUTES in allowed):
            values = " or ".join(map(str, allowed))
            raise BadRequest(f"nct {form} does not go with {f'net {event}' if event else 'om'}: use {values}")


def check_policies(model: Model, attributes: Attributes) -> None:
    """BadRequest unless the targets and the rate limit can be used."""
    most = model.settings.max_notification_targets
    if len(attributes["nu"]) > most:
        raise BadRequest(f"nu has more than {most} targets (max_notification_targets): use several subscriptions")
    if "rl" in attributes and not parse_duration(attributes["rl"]["tww"]):
        raise BadRequest("rl: tww must be longer than nothing: give a duration such as PT1M")


def check_blocking(attributes: Attributes) -> None:
    """BadRequest unless a subscription that makes updates wait consists of what it may have."""
    criteria = attributes["enc"]
    if EventType.BLOCKING_UPDATE not in events_of(attributes):
        return
    if set(criteria) - {"net", "atr"} or len(criteria["net"]) > 1:
        raise BadRequest("enc: only atr goes with net 7 (blocking update): leave the others out")
    if len(attributes["nu"]) > 1:
        raise BadRequest("nu must be one target for net 7 (blocking update)")
    if unsuitable := [name for name in NOT_WHILE_BLOCKING if name in attributes]:
        raise BadRequest(f"{unsuitable[0]} does not go with net 7 (blocking update): leave it out")
    if "://" in attributes["nu"][0]:
        raise SubscriptionVerificationFailed("nu must be an AE or a CSE for net 7: whoever has this URL can't be asked")


def check_only_one_blocking(attributes: Attributes, siblings: Iterable[Resource]) -> None:
    """BlockingSubscriptionAlreadyExists if one of the siblings makes updates wait already."""
    if EventType.BLOCKING_UPDATE not in events_of(attributes):
        return
    for sibling in list(siblings):
        if EventType.BLOCKING_UPDATE in events_of(sibling.attributes):
            raise BlockingSubscriptionAlreadyExists(f"enc: {sibling.path} makes updates wait already (net 7)")


def _check_monitors(criteria: Attributes) -> None:
    if "net" in criteria:
        raise BadRequest("enc: net and om exclude each other: use two subscriptions")
    for monitor in criteria["om"]:
        most = max(Operation) if "org" in monitor else ALL_RIGHTS
        if not monitor or {"or", "org"} <= monitor.keys() or monitor.get("ops", 1) > most:
            raise BadRequest(
                "enc: each om needs ops (the sum of operations as in a policy), or (an originator), or both"
            )
