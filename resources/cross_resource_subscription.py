"""crossResourceSubscription (TS-0001 clause 9.6.58): notifies when things happen to several resources in one window.

It hears of them through subscriptions: those that it makes below the resources in `rrat`, and those of others in `srat`
that it joins. What they tell it is counted in `cross_resource_windows`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cse.access import Guard, Right
from cse.attributes import (
    BOOLEAN,
    CREATOR,
    DURATION,
    GOVERNED,
    IDENTIFIER,
    NP,
    POSITIVE,
    TEXT,
    Attribute,
    M,
    O,
    list_of,
    one_of,
    record,
    table,
)
from cse.errors import BadRequest, CrossResourceOperationFailure, CSEError
from cse.events import send_later
from cse.notification import EventType, Outgoing
from cse.primitive import Request
from cse.resource import ResourceType
from cse.store import Resource
from cse.timing import parse_duration
from cse.tree.create import add
from cse.tree.delete import remove
from cse.tree.update import change
from cse.work import Work
from resources.notifications import checks, statistics, windows
from resources.notifications import targets as notification_targets
from resources.notifications.consent import verify
from resources.notifications.content import deletion_notice, reference
from resources.notifications.criteria import CRITERIA

SUBSCRIPTION = 23
SHORTEST_WINDOW = 1.0  # seconds
MOST_SOURCES = 100


class CrossResourceSubscription(ResourceType):
    number = 48
    name = "crossResourceSubscription"
    short_name = "crs"
    parents = frozenset({2, 5, 16})
    subscribable = False
    attributes = table(
        GOVERNED,
        Attribute("cr", CREATOR.name, CREATOR.type, O, NP, required=True),
        Attribute("rrat", "regularResourcesAsTarget", list_of(IDENTIFIER), O, NP),
        Attribute("srat", "subscriptionResourcesAsTarget", list_of(IDENTIFIER), O, NP),
        Attribute("rrats", "regularResourcesAsTargetSubscriptions", list_of(IDENTIFIER), NP, NP),
        Attribute("twt", "timeWindowType", one_of(windows.PERIODIC, windows.SLIDING), M, O, required=True),
        Attribute("tws", "timeWindowSize", DURATION, M, O, required=True),
        Attribute("eem", "eventEvaluationMode", one_of(1, 2, 3, 4, 5), O, O, since="4"),
        Attribute(
            "encs", "eventNotificationCriteriaSet", record(enc_=list_of(CRITERIA), encn_=list_of(CRITERIA)), O, NP
        ),
        Attribute("nec", "notificationEventCat", checks.EVENT_CATEGORY, O, NP),
        Attribute("exc", "expirationCounter", POSITIVE, O, O),
        Attribute("nu", "notificationURI", list_of(IDENTIFIER), M, O, required=True),
        Attribute("su", "subscriberURI", TEXT, O, NP),
        Attribute("nse", "notificationStatsEnable", BOOLEAN, O, O, since="4"),
        Attribute("nsi", "notificationStatsInfo", statistics.STATISTICS, NP, NP, since="4"),
    )

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        _check(work, resource.attributes)
        for address in resource.attributes.get("srat", ()):
            _require_joinable(work, address)
        resource.attributes["cr"] = resource.creator
        verify(work, resource, resource.attributes["nu"])

    def created(self, work: Work, resource: Resource, parent: Resource) -> None:
        try:
            made = [_subscribe(work, resource, *target) for target in _wanted(resource.attributes)]
            joined = [_join(work, resource, address) for address in resource.attributes.get("srat", ())]
        except CSEError as error:
            raise CrossResourceOperationFailure(f"a target can't be subscribed to: {error}") from error
        resource.attributes["_sources"] = [*made, *joined]
        if made:
            resource.attributes["rrats"] = [work.model.naming.sp_relative(ri) for ri in made]
        windows.begin(work, resource)
        work.transaction.resources.update(resource)

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        merged = {name: value for name, value in (resource.attributes | changes).items() if value is not None}
        _check(work, merged)
        verify(work, resource, [target for target in merged["nu"] if target not in resource.attributes["nu"]])
        if "nse" in changes and changes["nse"] is not False:
            resource.attributes.pop("nsi", None)

    def updated(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        if not changes.keys().isdisjoint({"twt", "tws", "eem"}):
            windows.begin(work, resource)
            work.transaction.resources.update(resource)
        if "et" in changes:
            for subscription in filter(None, map(work.resource, resource.attributes.get("rrats", ()))):
                change(work, subscription, {"et": resource.attributes["et"]})

    def alarm(self, work: Work, resource: Resource, name: str) -> None:
        if name != windows.ALARM:
            notification_targets.ring(work, resource, name)
        elif windows.close(work, resource):
            _notify(work, resource)

    def child_deleted(self, work: Work, resource: Resource, child: Resource) -> None:
        notification_targets.schedule_changed(work, resource)

    def delivered(self, work: Work, resource: Resource, outgoing: Outgoing, *, arrived: bool) -> bool:
        return notification_targets.delivered(work, resource, outgoing, arrived=arrived)

    def leaving(self, work: Work, resource: Resource) -> None:
        """Its subscriptions go with it, and those of others forget it. It may be gone because of one of them."""
        crossing = work.transaction.resources.get(resource.ri)
        if crossing is None:
            return
        sources, crossing.attributes["_sources"] = crossing.attributes["_sources"], []
        work.transaction.resources.update(crossing)
        for subscription in filter(None, map(work.transaction.resources.get, sources)):
            _part(work, crossing, subscription)
        if "su" in crossing.attributes:
            send_later(work, Outgoing(crossing.attributes["su"], deletion_notice(work, crossing)), awaited=True)


def _check(work: Work, attributes: Mapping[str, Any]) -> None:
    regular, joined = attributes.get("rrat", []), attributes.get("srat", [])
    if not 1 <= len(regular) + len(joined) <= MOST_SOURCES:
        raise BadRequest(f"rrat and srat must name 1 to {MOST_SOURCES} targets together")
    if bool(regular) != ("encs" in attributes):
        raise BadRequest("encs goes with rrat: give both or none")
    if regular and len(_criteria(attributes)) not in (1, len(regular)):
        raise BadRequest("encs must have one enc for all targets in rrat, or one for each")
    if parse_duration(attributes["tws"]) < SHORTEST_WINDOW:
        raise BadRequest(f"tws must be at least PT{SHORTEST_WINDOW:g}S")
    if attributes["twt"] == windows.SLIDING and attributes.get("eem") in windows.SILENCE:
        raise BadRequest("eem: a sliding window begins with an event, so that they can't all be missing: use twt 1")
    checks.check_policies(work.model, attributes)


def _notify(work: Work, crossing: Resource) -> None:
    counted = [statistics.count(crossing, target, events=1) for target in crossing.attributes["nu"]]
    if any(counted):
        work.transaction.resources.update(crossing)
    notification_targets.submit(work, crossing, {"m2m:sgn": {"sur": reference(work, crossing)}}, 1)


def _criteria(attributes: Mapping[str, Any]) -> list[Any]:
    """The criteria, under either of the names that they have in different releases."""
    return [criteria for name in ("enc", "encn") for criteria in attributes["encs"].get(name, ())]


def _wanted(attributes: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each regular resource with the criteria for it."""
    addresses = attributes.get("rrat", [])
    criteria = _criteria(attributes) if addresses else []
    return zip(addresses, criteria * len(addresses) if len(criteria) == 1 else criteria, strict=True)


def _subscribe(work: Work, crossing: Resource, address: str, wanted: Mapping[str, Any]) -> str:
    """Make a subscription below a regular resource, in the name of the creator; its identifier."""
    target = work.target(address).resource
    kind = work.type_of(target)
    subscription = work.model.types[SUBSCRIPTION]
    if not subscription.may_be_below(kind):
        raise BadRequest(f"rrat: a {kind.name} has no subscriptions: remove {address[:80]!r}")
    for right in (Right.CREATE, Right.RETRIEVE):
        _guard(work).require(target, right, child_type=SUBSCRIPTION)
    own = work.model.naming.sp_relative(crossing.ri)
    attributes: dict[str, Any] = {"enc": checks.filled_criteria(wanted), "nu": [own], "acrs": [own]}
    if EventType.BLOCKING_UPDATE in checks.events_of(attributes):
        raise BadRequest("encs: net 7 (blocking update) needs a subscription of its own: leave it out")
    checks.check_criteria(work.model, attributes, kind)
    attributes |= {"nct": checks.default_content_type(attributes), "et": crossing.attributes["et"]}
    return add(work, subscription, target, attributes, crossing.creator).ri


def _join(work: Work, crossing: Resource, address: str) -> str:
    """Become a target of somebody's subscription; its identifier."""
    subscription, own = work.target(address).resource, work.model.naming.sp_relative(crossing.ri)
    _guard(work).require(subscription, Right.UPDATE, names=["nu"])
    targets, crossings = subscription.attributes["nu"], subscription.attributes.get("acrs", [])
    change(work, subscription, {"nu": [*targets, own], "acrs": [*crossings, own]})
    return subscription.ri


def _require_joinable(work: Work, address: str) -> None:
    found = work.resource(address)
    if found is not None and (
        found.ty != SUBSCRIPTION or EventType.BLOCKING_UPDATE in checks.events_of(found.attributes)
    ):
        raise BadRequest(f"srat: {address[:80]!r} is no subscription that can have further targets: remove it")


def _part(work: Work, crossing: Resource, subscription: Resource) -> None:
    """The subscription loses this target, and goes if it has no other."""
    own = work.model.naming.sp_relative(crossing.ri)
    left = {name: [one for one in subscription.attributes[name] if one != own] for name in ("nu", "acrs")}
    change(work, subscription, {"nu": left["nu"], "acrs": left["acrs"] or None})
    if not left["nu"]:
        remove(work, subscription)


def _guard(work: Work) -> Guard:
    assert work.request is not None  # a resource of this type is created by a request
    return Guard(work, work.request)
