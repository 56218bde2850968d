"""batchNotify: notifications are collected and sent together (TS-0001 clause 9.6.8)."""

from collections.abc import Iterator
from typing import Any

import orjson

from cse.store import Resource
from cse.timing import parse_duration
from cse.work import Work
from resources.notifications import rates, targets

ALARM = "batch"
QUEUE = "batch"
LARGEST = 500_000  # bytes of content in one request; more go out as several

Notification = dict[str, Any]


def submit(work: Work, subscription: Resource, notification: Notification) -> None:
    """Take one notification in."""
    batch = subscription.attributes.get("bn")
    if batch is None:
        rates.submit(work, subscription, {"m2m:sgn": notification}, 1)
        return
    queues = work.transaction.queues
    queues.append(subscription.ri, QUEUE, notification)
    count = queues.count(subscription.ri, QUEUE)
    most = work.model.settings.max_batch
    if count >= min(batch.get("num") or most, most):
        flush(work, subscription)
    elif count == 1:
        work.alarm(subscription, ALARM, work.now + parse_duration(batch["dur"]))


def flush(work: Work, subscription: Resource) -> None:
    """Send what has been collected: when there is enough of it, or when it has been waiting for long enough."""
    for content, weight in _taken(work, subscription):
        rates.submit(work, subscription, content, weight)


def flush_at_the_end(work: Work, subscription: Resource) -> None:
    """The subscription is about to go: send what has been collected past all other policies."""
    for content, weight in _taken(work, subscription):
        targets.send_at_the_end(work, subscription, content, weight)


def _taken(work: Work, subscription: Resource) -> Iterator[tuple[Any, int]]:
    """The notifications that were waiting, with latestNotify only the newest, as contents and in number."""
    queues = work.transaction.queues
    waiting = [item.document for item in queues.items(subscription.ri, QUEUE)]
    queues.clear(subscription.ri, QUEUE)
    work.transaction.alarms.cancel(subscription.ri, ALARM)
    if subscription.attributes.get("ln"):
        waiting = waiting[-1:]
    for portion in portions(waiting):
        yield {"m2m:agn": {"m2m:sgn": portion}}, len(portion)


def portions(notifications: list[Notification]) -> Iterator[list[Notification]]:
    """As many at a time as one request may carry."""
    portion: list[Notification] = []
    size = 0
    for notification in notifications:
        length = len(orjson.dumps(notification))
        if portion and size + length > LARGEST:
            yield portion
            portion, size = [], 0
        portion.append(notification)
        size += length
    if portion:
        yield portion
