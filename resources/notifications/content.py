"""What notifications say: m2m:notification (TS-0004 clause 6.3.5.13)."""

from collections.abc import Mapping
from typing import Any

from cse.consent import Question
from cse.errors import OperationDeniedByRemoteEntity, RemoteEntityNotReachable, SubscriptionVerificationFailed
from cse.notification import Event, EventType
from cse.primitive import Operation
from cse.store import Resource
from cse.work import Work
from resources.notifications.criteria import matching_monitor

ALL_ATTRIBUTES, MODIFIED_ATTRIBUTES, RESOURCE_ID, TRIGGER_PAYLOAD, TIME_SERIES = 1, 2, 3, 4, 5
VERIFICATION_ATTEMPTS = 2


def reference(work: Work, subscription: Resource) -> str:
    """How notifications name their subscription."""
    structured = work.model.settings.subscription_reference == "structured"
    return work.model.naming.sp_relative(subscription.path if structured else subscription.ri)


def event_notification(work: Work, subscription: Resource, event: Event) -> dict[str, Any]:
    """What is told of an event."""
    happening: dict[str, Any] = {"rep": _representation(work, subscription, event)}
    monitor = matching_monitor(work, subscription.attributes["enc"].get("om", ()), event)
    if monitor is None:
        happening["net"] = event.type
    else:
        happening["om"] = _observed(monitor, event.operation, work.originator)
    told = {"nev": happening, "sur": reference(work, subscription)}
    return told | _creator(work, subscription) | _forwarding(subscription)


def deletion_notice(work: Work, subscription: Resource) -> dict[str, Any]:
    """What the subscriber is told in the end."""
    notice = {"sud": True, "sur": reference(work, subscription)}
    creator = subscription.attributes.get("cr")
    return {"m2m:sgn": notice | ({"cr": creator} if creator else {})}


def verification(work: Work, subscription: Resource, target: str) -> Question:
    """Whether a target accepts to be notified (TS-0004 clause 7.4.8.2.1)."""
    content = {"m2m:sgn": {"vrq": True, "sur": reference(work, subscription), "cr": work.originator}}
    failed = SubscriptionVerificationFailed
    return Question(f"verify {target}", target, content, failed, failed, VERIFICATION_ATTEMPTS)


def permission(work: Work, subscription: Resource, event: Event) -> Question:
    """Whether the target of a blocking subscription allows an UPDATE."""
    content = {"m2m:sgn": event_notification(work, subscription, event)}
    (target,) = subscription.attributes["nu"]
    key = f"update {subscription.ri}"
    return Question(key, target, content, RemoteEntityNotReachable, OperationDeniedByRemoteEntity)


def _representation(work: Work, subscription: Resource, event: Event) -> Any:
    form = subscription.attributes["nct"]
    if form == RESOURCE_ID:
        return {"m2m:uri": event.subject.ri}
    if event.content is not None:
        return event.content
    kind = work.type_of(event.subject)
    attributes = kind.summary(work, event.subject)
    if form == MODIFIED_ATTRIBUTES and event.type is EventType.UPDATED:
        attributes = {name: attributes[name] for name in event.changed if name in attributes}
    return {kind.root: attributes}


def _creator(work: Work, subscription: Resource) -> dict[str, Any]:
    """The creator of the subscription; where it has none, who caused the event, if that is wanted."""
    caused_by = work.originator if subscription.attributes.get("eeno") else ""
    creator = subscription.attributes.get("cr") or caused_by
    return {"cr": creator} if creator else {}


def _forwarding(subscription: Resource) -> dict[str, Any]:
    """Where a group host sends it on; the data type has one address, several are a list."""
    addresses = subscription.attributes.get("nfu", [])
    return {"nfu": addresses[0] if len(addresses) == 1 else addresses} if addresses else {}


def _observed(monitor: Mapping[str, Any], operation: Operation | None, originator: str) -> dict[str, Any]:
    """In the names of the release in which the monitor is written."""
    names = ("ops", "org") if "org" in monitor else ("op", "or")
    return dict(zip(names, (operation, originator), strict=True))
