"""subscription (TS-0001 clause 9.6.8): who is notified of what happens to the parent resource.

In `resources.notifications`, `criteria` says what it is about, `checks` what may be combined. A notification is formed
in `content`, and goes through `batches`, `rates` and `targets`.
"""

from itertools import islice
from typing import Any

from cse.access import Guard, Right
from cse.attributes import (
    BOOLEAN,
    CREATOR,
    DURATION,
    GOVERNED,
    IDENTIFIER,
    NON_NEGATIVE,
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
from cse.errors import BadRequest
from cse.events import send_later
from cse.notification import Event, EventType, Outgoing
from cse.primitive import Request
from cse.resource import ResourceType
from cse.store import Resource
from cse.work import Work
from resources.notifications import batches, checks, missing_data, rates, statistics, targets
from resources.notifications.consent import is_another, verify
from resources.notifications.content import deletion_notice, event_notification, permission
from resources.notifications.criteria import CRITERIA, concerns
from resources.notifications.windows import forsake

MOST_LOOKED_AT = 10_000  # children that may have been created before the subscription


class Subscription(ResourceType):
    """`_sent_in_window` and `_missing_points` are counters of the rate limit and of missing data."""

    number = 23
    name = "subscription"
    short_name = "sub"
    watches = True
    subscribable = False
    attributes = table(
        GOVERNED,
        CREATOR,
        Attribute("enc", "eventNotificationCriteria", CRITERIA, O, O),
        Attribute("exc", "expirationCounter", POSITIVE, O, O),
        Attribute("nu", "notificationURI", list_of(IDENTIFIER), M, O, required=True),
        Attribute("gpi", "groupID", IDENTIFIER, O, O),
        Attribute("nfu", "notificationForwardingURI", list_of(IDENTIFIER), O, O),
        Attribute("bn", "batchNotify", record(num_=NON_NEGATIVE, dur_=DURATION), O, O),
        Attribute("rl", "rateLimit", record(mnn=NON_NEGATIVE, tww=DURATION), O, O),
        Attribute("psn", "preSubscriptionNotify", POSITIVE, O, NP),
        Attribute("pn", "pendingNotification", one_of(1, 2), O, O),
        Attribute("nsp", "notificationStoragePriority", POSITIVE, O, O),
        Attribute("ln", "latestNotify", BOOLEAN, O, O),
        Attribute("nct", "notificationContentType", one_of(1, 2, 3, 4, 5), O, O, required=True),
        Attribute("nec", "notificationEventCat", checks.EVENT_CATEGORY, O, O),
        Attribute("su", "subscriberURI", TEXT, O, NP),
        Attribute("acrs", "associatedCrossResourceSub", list_of(IDENTIFIER), O, O, needs="subscriptions across CSEs"),
        Attribute("nse", "notificationStatsEnable", BOOLEAN, O, O, since="4"),
        Attribute("nsi", "notificationStatsInfo", statistics.STATISTICS, NP, NP, since="4"),
        Attribute("eeno", "enableEventNotificationOriginator", BOOLEAN, O, O, since="4"),
        Attribute("ma", "maxAge", DURATION, O, O, needs="an age limit of notifications"),
    )

    def may_be_below(self, parent: ResourceType) -> bool:
        return parent.subscribable

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        Guard(work, request).require(parent, Right.RETRIEVE)
        attributes = resource.attributes
        checks.move_content_type(attributes)
        attributes["enc"] = checks.filled_criteria(attributes.get("enc"))
        attributes.setdefault("nct", checks.default_content_type(attributes))
        siblings = work.transaction.resources.children(parent.ri, self.number)
        checks.check_only_one_blocking(attributes, siblings)
        _check(work, attributes, parent, lenient=request.lenient)
        if "bn" in attributes:
            attributes["bn"] = checks.filled_batch(work.model, attributes["bn"])
        if any(is_another(work, target) for target in attributes["nu"]):
            attributes["cr"] = resource.creator
        verify(work, resource, attributes["nu"])

    def created(self, work: Work, resource: Resource, parent: Resource) -> None:
        """Of events before the subscription, those are known that have left something behind: a child."""
        wanted = min(resource.attributes.get("psn", 0), work.model.settings.max_stored_notifications)
        children = work.transaction.resources.children(parent.ri, newest_first=True) if wanted else iter(())
        events = (
            Event(EventType.CHILD_CREATED, parent, child)
            for child in islice(children, MOST_LOOKED_AT)
            if child.ri != resource.ri and not work.type_of(parent).withholds(parent, child)
        )
        for event in reversed(list(islice((event for event in events if self.heeds(work, resource, event)), wanted))):
            self.react(work, resource, event)

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        checks.move_content_type(changes)
        if "enc" in changes:
            changes["enc"] = checks.filled_criteria(changes["enc"])
            if EventType.BLOCKING_UPDATE in checks.events_of(changes):
                raise BadRequest("enc: net 7 (blocking update) can be stated at creation only: create a subscription")
        if changes.get("bn") is not None:
            changes["bn"] = checks.filled_batch(work.model, changes["bn"])
        lenient = work.request is not None and work.request.lenient
        merged = {name: value for name, value in (resource.attributes | changes).items() if value is not None}
        parent = work.transaction.resources.get(resource.pi)
        if parent is not None:
            _check(work, merged, parent, lenient=lenient)
        known = resource.attributes["nu"]
        verify(work, resource, [target for target in merged["nu"] if target not in known])
        _settle(work, resource, changes)

    def heeds(self, work: Work, resource: Resource, event: Event) -> bool:
        return concerns(work, resource.attributes["enc"], event)

    def react(self, work: Work, resource: Resource, event: Event) -> None:
        if event.type is EventType.BLOCKING_UPDATE:
            work.ask([permission(work, resource, event)], locks=event.watched.ri)
            return
        if event.type is EventType.REPORT_ON_MISSING_DATA_POINTS:
            enough = missing_data.collected(work, resource, event)
            if enough is None:
                return
            event = enough
        counted = [statistics.count(resource, target, events=1) for target in resource.attributes["nu"]]
        if any(counted):
            work.transaction.resources.update(resource)
        notification = event_notification(work, resource, event)
        if event.type is EventType.DELETED and "bn" not in resource.attributes:
            targets.send_at_the_end(work, resource, {"m2m:sgn": notification}, 1)
        else:
            batches.submit(work, resource, notification)

    def alarm(self, work: Work, resource: Resource, name: str) -> None:
        if name == batches.ALARM:
            batches.flush(work, resource)
        elif name == rates.ALARM:
            rates.ring(work, resource)
        else:
            targets.ring(work, resource, name)

    def child_deleted(self, work: Work, resource: Resource, child: Resource) -> None:
        targets.schedule_changed(work, resource)

    def delivered(self, work: Work, resource: Resource, outgoing: Outgoing, *, arrived: bool) -> bool:
        return targets.delivered(work, resource, outgoing, arrived=arrived)

    def leaving(self, work: Work, resource: Resource) -> None:
        batches.flush_at_the_end(work, resource)
        forsake(work, resource)
        subscriber = resource.attributes.get("su")
        if subscriber:
            send_later(work, Outgoing(subscriber, deletion_notice(work, resource)), awaited=True)


def _check(work: Work, attributes: dict[str, Any], parent: Resource, *, lenient: bool) -> None:
    checks.check_criteria(work.model, attributes, work.type_of(parent))
    checks.check_content_type(attributes, lenient=lenient)
    checks.check_policies(work.model, attributes)
    checks.check_blocking(attributes)


def _settle(work: Work, resource: Resource, changes: dict[str, Any]) -> None:
    """What waits under the old policies goes out under them, or is forgotten where the UPDATE says so."""
    attributes = resource.attributes
    if "bn" in changes or "ln" in changes:
        batches.flush(work, resource)
    if "rl" in changes:
        rates.release(work, resource)
    kept = changes.get("nu") or attributes["nu"]
    without_pn = "pn" in changes and changes["pn"] is None
    for target in attributes["nu"]:
        if without_pn or target not in kept:
            targets.forget(work, resource, target)
    if "enc" in changes:
        missing_data.restart(resource)
    if "nse" in changes and changes["nse"] is not False:
        attributes.pop("nsi", None)
