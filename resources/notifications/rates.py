"""rateLimit: at most so many notifications in each window of time; the others wait (TS-0001 clause 9.6.8)."""

from typing import Any

from cse.store import Resource
from cse.timing import parse_duration, parse_timestamp
from cse.work import Work
from resources.notifications import targets
from resources.notifications.store import keep

ALARM = "rate"
QUEUE = "surplus"
SENT = "_sent_in_window"


def submit(work: Work, subscription: Resource, content: Any, weight: int) -> None:
    """Pass it on if the window has room for it; those that wait already come first."""
    if "rl" not in subscription.attributes or _has_room(work, subscription):
        targets.submit(work, subscription, content, weight)
    else:
        keep(work, subscription, QUEUE, {"content": content, "weight": weight})
        _wait(work, subscription)


def ring(work: Work, subscription: Resource) -> None:
    """A new window has begun."""
    queues = work.transaction.queues
    for item in queues.items(subscription.ri, QUEUE, subscription.attributes["rl"]["mnn"]):
        if not _count(work, subscription):
            break
        queues.remove([item.id])
        targets.submit(work, subscription, item.document["content"], item.document["weight"])
    if queues.count(subscription.ri, QUEUE):
        _wait(work, subscription)


def release(work: Work, subscription: Resource) -> None:
    """The limit is to be changed or to go: nothing has been sent in any window, and nothing waits."""
    queues = work.transaction.queues
    for item in queues.items(subscription.ri, QUEUE):
        targets.submit(work, subscription, item.document["content"], item.document["weight"])
    queues.clear(subscription.ri, QUEUE)
    work.transaction.alarms.cancel(subscription.ri, ALARM)
    subscription.attributes.pop(SENT, None)


def _has_room(work: Work, subscription: Resource) -> bool:
    return not work.transaction.queues.count(subscription.ri, QUEUE) and _count(work, subscription)


def _count(work: Work, subscription: Resource) -> bool:
    """Count one more notification in the present window, if it has room."""
    window, _ = _window(work, subscription)
    before, sent = subscription.attributes.get(SENT, (window, 0))
    sent = sent if before == window else 0
    if sent >= subscription.attributes["rl"]["mnn"]:
        return False
    subscription.attributes[SENT] = [window, sent + 1]
    work.transaction.resources.update(subscription)
    return True


def _wait(work: Work, subscription: Resource) -> None:
    _, end = _window(work, subscription)
    work.alarm(subscription, ALARM, end)


def _window(work: Work, subscription: Resource) -> tuple[int, float]:
    """The number of the present window and its end: windows follow each other from the creation on."""
    start = parse_timestamp(subscription.attributes["ct"])
    length = parse_duration(subscription.attributes["rl"]["tww"])
    number = int((work.now - start) // length)
    return number, start + (number + 1) * length
