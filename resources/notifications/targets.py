"""How notifications get to each target: at once, when its schedule opens, or when it can be reached again.

Where something may have to wait, the notifications for a target are in a queue of its own. As long as something is in
there, either an alarm is set or a notification is under way that takes its content from there; newer ones line up.
"""

from collections.abc import Iterator
from typing import Any

from cse.events import request_identifier, send_later
from cse.notification import Outgoing
from cse.store import Resource
from cse.tree.delete import remove
from cse.work import Work
from resources.notifications import statistics
from resources.notifications.schedules import opening
from resources.notifications.store import keep, keep_newest
from resources.notifications.windows import report

ALARM = "to "
SEND_LATEST = 1  # pendingNotification
LATEST = 4  # the event category that goes with latestNotify
LONGEST_WAIT = 3600.0  # seconds; somebody may change the schedule meanwhile


def submit(work: Work, subscription: Resource, content: Any, weight: int) -> None:
    """Send to every target, now or later."""
    for target in _outside(work, subscription):
        if opening(work, subscription, target) > work.now and "pn" not in subscription.attributes:
            continue
        if not _may_wait(subscription):
            is_counted = "nse" in subscription.attributes
            category, source = _category(subscription), subscription.ri
            send_later(work, Outgoing(target, content, category, source, weight=weight, reported=is_counted))
        elif keep(work, subscription, _queue(target), _document(work, content, weight)):
            _go_on(work, subscription, target)
        elif work.transaction.alarms.get(subscription.ri, _queue(target)) is not None:
            _trim(work, subscription, target)


def send_at_the_end(work: Work, subscription: Resource, content: Any, weight: int) -> None:
    """Send to every target at once: the subscription is about to go, and takes with it whatever waits."""
    for target in _outside(work, subscription):
        send_later(work, Outgoing(target, content, _category(subscription), weight=weight))


def ring(work: Work, subscription: Resource, name: str) -> None:
    """The schedule for a target may have opened, or it may be reachable again."""
    target = name.removeprefix(ALARM)
    if work.transaction.queues.count(subscription.ri, _queue(target)):
        _go_on(work, subscription, target)


def schedule_changed(work: Work, subscription: Resource) -> None:
    """It may be open now."""
    for target in subscription.attributes["nu"]:
        ring(work, subscription, _queue(target))


def delivered(work: Work, subscription: Resource, outgoing: Outgoing, *, arrived: bool) -> bool:
    """What became of a notification; whether one that failed is kept, to be tried again."""
    answered = outgoing.weight if arrived else 0
    if statistics.count(subscription, outgoing.target, sent=outgoing.weight, answered=answered):
        work.transaction.resources.update(subscription)
    kept = not arrived and bool(outgoing.queue) and "pn" in subscription.attributes
    if kept:
        _wait(work, subscription, outgoing.target, work.now + outgoing.pause)
    elif outgoing.queue:
        work.transaction.queues.remove([outgoing.item])
        ring(work, subscription, outgoing.queue)
    if arrived:
        _count_down(work, subscription)
    return kept


def forget(work: Work, subscription: Resource, target: str) -> None:
    """Nothing waits for this target any more."""
    work.transaction.queues.clear(subscription.ri, _queue(target))
    work.transaction.alarms.cancel(subscription.ri, _queue(target))


def _outside(work: Work, subscription: Resource) -> Iterator[str]:
    """The targets; but crossResourceSubscriptions are on this CSE, and hear of it at once."""
    crossings = subscription.attributes.get("acrs", ())
    for target in subscription.attributes["nu"]:
        if target in crossings:
            report(work, target, subscription)
        else:
            yield target


def _go_on(work: Work, subscription: Resource, target: str) -> None:
    """Send the first that waits, or wait for the schedule."""
    opens = opening(work, subscription, target)
    if opens <= work.now:
        category, source, returns = _category(subscription), subscription.ri, "pn" in subscription.attributes
        send_later(work, Outgoing(target, None, category, source, _queue(target), returns=returns))
    else:
        _wait(work, subscription, target, opens)


def _document(work: Work, content: Any, weight: int) -> dict[str, Any]:
    """What waits: with its request identifier, so that it has the same one whenever it is sent."""
    return {"content": content, "weight": weight, "identifier": request_identifier(), "created": work.now}


def _wait(work: Work, subscription: Resource, target: str, moment: float) -> None:
    _trim(work, subscription, target)
    work.alarm(subscription, _queue(target), min(moment, work.now + LONGEST_WAIT))


def _trim(work: Work, subscription: Resource, target: str) -> None:
    """Of what has to wait, only the newest may be wanted."""
    if subscription.attributes.get("pn") == SEND_LATEST:
        keep_newest(work, subscription, _queue(target))


def _may_wait(subscription: Resource) -> bool:
    """With expirationCounter, too, each is sent when it is its turn: it may be one too many."""
    return bool({"pn", "exc"} & subscription.attributes.keys() or subscription.attributes.get("ln"))


def _count_down(work: Work, subscription: Resource) -> None:
    """expirationCounter: the subscription goes with its last notification."""
    left = subscription.attributes.get("exc")
    if left == 1:
        remove(work, subscription)
    elif left is not None:
        subscription.attributes["exc"] = left - 1
        work.transaction.resources.update(subscription)


def _queue(target: str) -> str:
    """The queue of what waits for a target, and the alarm at which it may go on."""
    return ALARM + target


def _category(subscription: Resource) -> int | None:
    return LATEST if subscription.attributes.get("ln") else subscription.attributes.get("nec")
