"""subscription (TS-0001 clause 9.6.8): who is notified of what happens to the parent resource."""

from collections.abc import Mapping
from typing import Any

from cse.access import Guard, Right
from cse.attributes import (
    ANYTHING,
    BOOLEAN,
    CREATOR,
    DURATION,
    DYNAMIC_POLICIES,
    EXPIRATION,
    IDENTIFIER,
    LABELS,
    NON_NEGATIVE,
    NP,
    OBJECT,
    POLICIES,
    POSITIVE,
    TEXT,
    TIMESTAMP,
    UNIVERSAL,
    Attribute,
    M,
    O,
    list_of,
    one_of,
    record,
    table,
)
from cse.discovery.criteria import Filter, parse_filter
from cse.errors import BadRequest, NotImplementedByThisCSE
from cse.events import send_later
from cse.primitive import Operation, Request
from cse.resource import Event, EventType, Outgoing, ResourceType, Work
from cse.store import Resource

ALL_ATTRIBUTES, MODIFIED_ATTRIBUTES, RESOURCE_ID = 1, 2, 3
CHILD_EVENTS = {EventType.CHILD_CREATED, EventType.CHILD_DELETED}
CRITERIA = record(
    net_=list_of(one_of(1, 2, 3, 4, 5, 6, 7, 8)),
    atr_=list_of(IDENTIFIER),
    chty_=list_of(NON_NEGATIVE),
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
    om_=ANYTHING,
    md_=ANYTHING,
)
NOT_FILTERS = {"net", "atr", "chty", "fo", "om", "md"}


class Subscription(ResourceType):
    number = 23
    name = "subscription"
    short_name = "sub"
    parents = frozenset({1, 2, 3, 5, 9, 13, 14, 17, 28})
    watches = True
    verifies = True
    attributes = table(
        UNIVERSAL,
        POLICIES,
        EXPIRATION,
        LABELS,
        DYNAMIC_POLICIES,
        CREATOR,
        Attribute("enc", "eventNotificationCriteria", CRITERIA, O, O),
        Attribute("exc", "expirationCounter", POSITIVE, O, O),
        Attribute("nu", "notificationURI", list_of(IDENTIFIER), M, O, required=True),
        Attribute("gpi", "groupID", IDENTIFIER, O, O, needs="aggregation of notifications"),
        Attribute("nfu", "notificationForwardingURI", IDENTIFIER, O, O, needs="aggregation of notifications"),
        Attribute(
            "bn", "batchNotify", record(num_=NON_NEGATIVE, dur_=DURATION), O, O, needs="batches of notifications"
        ),
        Attribute("rl", "rateLimit", record(mnn=NON_NEGATIVE, tww=DURATION), O, O, needs="a rate limit"),
        Attribute("psn", "preSubscriptionNotify", POSITIVE, O, NP, needs="notifications of earlier events"),
        Attribute("pn", "pendingNotification", one_of(1, 2), O, O, needs="storage of pending notifications"),
        Attribute("nsp", "notificationStoragePriority", POSITIVE, O, O, needs="storage of pending notifications"),
        Attribute("ln", "latestNotify", BOOLEAN, O, O, needs="storage of pending notifications"),
        Attribute("nct", "notificationContentType", one_of(1, 2, 3, 4, 5), O, O, required=True, default=ALL_ATTRIBUTES),
        Attribute("nec", "notificationEventCat", NON_NEGATIVE, O, O),
        Attribute("su", "subscriberURI", TEXT, O, NP),
        Attribute("acrs", "associatedCrossResourceSub", list_of(OBJECT), O, O, needs="cross resource subscriptions"),
    )

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        attributes = resource.attributes
        _check_creation(work, request, parent, attributes)
        if any(not _is(work, target, resource.creator) for target in attributes["nu"]):
            attributes["cr"] = resource.creator

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        _check(work, resource.attributes | changes)

    def verifications(
        self, work: Work, request: Request, target: Resource, content: Mapping[str, Any]
    ) -> list[Outgoing]:
        """Every new target but the originator itself must accept to be notified (TS-0004 clause 7.4.8.2.1)."""
        known: list[str] = []
        if request.operation is Operation.CREATE:
            _check_creation(work, request, target, content)
        else:
            _check(work, target.attributes | dict(content))
            known = target.attributes["nu"]
        originator = work.model.naming.originator(request.originator)
        question = {"m2m:sgn": {"vrq": True, "sur": _reference(work, "verification"), "cr": originator}}
        added = [uri for uri in dict.fromkeys(content.get("nu", ())) if uri not in known]
        return [Outgoing(uri, question) for uri in added if not _is(work, uri, originator)]

    def notifications(self, work: Work, resource: Resource, event: Event) -> list[Outgoing]:
        attributes = resource.attributes
        found: list[Outgoing] = []
        is_last = False
        if _wants(work, attributes.get("enc") or {}, event):
            content = {"m2m:sgn": self._notification(work, resource, event)}
            found = [Outgoing(target, content, attributes.get("nec")) for target in attributes["nu"]]
            is_last = _count_down(work, resource)
        if is_last or event.type is EventType.DELETED:
            found += _deletion_notice(work, resource)
        return found

    def deleted(self, work: Work, resource: Resource) -> None:
        for outgoing in _deletion_notice(work, resource):
            send_later(work, outgoing)

    def _notification(self, work: Work, resource: Resource, event: Event) -> dict[str, Any]:
        kind = work.type_of(event.subject)
        form = resource.attributes["nct"]
        if form == RESOURCE_ID:
            content: dict[str, Any] = {"m2m:uri": event.subject.ri}
        else:
            attributes = kind.summary(work, event.subject)
            if form == MODIFIED_ATTRIBUTES and event.type is EventType.UPDATED:
                attributes = {name: attributes[name] for name in event.changed if name in attributes}
            content = {kind.root: attributes}
        return {"nev": {"net": int(event.type), "rep": content}, "sur": _reference(work, resource.ri)}


def _check_creation(work: Work, request: Request, parent: Resource, content: Mapping[str, Any]) -> None:
    Guard(work, request).require(parent, Right.RETRIEVE)
    _check(work, content)


def _check(work: Work, attributes: Mapping[str, Any]) -> None:
    criteria = attributes.get("enc") or {}
    events = set(criteria.get("net", [EventType.UPDATED]))
    for later in sorted({"om", "md"} & set(criteria)) + sorted(events - set(EventType)):
        raise NotImplementedByThisCSE(f"enc: {later} is not available in this CSE yet; net can be 1, 2, 3 or 4")
    if criteria.get("fo", 1) != 1:
        raise NotImplementedByThisCSE("enc: fo 2 (OR) is not available in this CSE yet")
    form = attributes.get("nct", ALL_ATTRIBUTES)
    if form not in (ALL_ATTRIBUTES, MODIFIED_ATTRIBUTES, RESOURCE_ID):
        raise BadRequest(f"nct {form} does not go with net {sorted(events)}: use 1, 2 or 3")
    if form == MODIFIED_ATTRIBUTES and events != {EventType.UPDATED}:
        raise BadRequest("nct 2 (modified attributes) goes with net 1 only: use nct 1 or 3")
    if unknown := [number for number in criteria.get("chty", ()) if number not in work.model.types]:
        raise BadRequest(f"enc: chty {unknown[0]} is no resource type of this CSE")


def _wants(work: Work, criteria: dict[str, Any], event: Event) -> bool:
    if event.type not in criteria.get("net", [EventType.UPDATED]):
        return False
    if event.type is EventType.UPDATED and "atr" in criteria and not set(criteria["atr"]) & set(event.changed):
        return False
    if event.type in CHILD_EVENTS and "chty" in criteria and event.subject.ty not in criteria["chty"]:
        return False
    return _conditions(criteria).fits(event.subject)


def _conditions(criteria: dict[str, Any]) -> Filter:
    """The criteria that are those of a discovery; raises what is wrong with them."""
    values = {name: [str(value)] for name, value in criteria.items() if name not in NOT_FILTERS}
    return parse_filter(values, frozenset())


def _count_down(work: Work, resource: Resource) -> bool:
    """expirationCounter: the subscription goes with its last notification; whether this was the last."""
    left = resource.attributes.get("exc")
    if left == 1:
        work.transaction.resources.remove(resource)
        return True
    if left is not None:
        resource.attributes["exc"] = left - 1
        work.transaction.resources.update(resource)
    return False


def _deletion_notice(work: Work, resource: Resource) -> list[Outgoing]:
    subscriber = resource.attributes.get("su")
    notice = {"m2m:sgn": {"sud": True, "sur": _reference(work, resource.ri)}}
    return [Outgoing(subscriber, notice)] if subscriber else []


def _reference(work: Work, identifier: str) -> str:
    return work.model.naming.sp_relative(identifier)


def _is(work: Work, target: str, originator: str) -> bool:
    """Whether a notification target is this originator: its AE-ID, or any address of its AE."""
    if "://" in target:
        return False
    resource = work.resource(target)
    return resource is not None and resource.ri == originator
