"""What waits in a subscription: documents with the content of a notification and the number of those it stands for."""

import logging
from typing import Any

from cse.store import Resource
from cse.work import Work

log = logging.getLogger(__name__)


def keep(work: Work, subscription: Resource, queue: str, document: dict[str, Any]) -> bool:
    """Put a notification into a queue, which has a largest length; whether it is the first there."""
    queues = work.transaction.queues
    waiting = queues.count(subscription.ri, queue)
    queues.append(subscription.ri, queue, document)
    if subscription.attributes.get("ln"):
        keep_newest(work, subscription, queue)
    elif waiting >= work.model.settings.max_stored_notifications:
        oldest = queues.items(subscription.ri, queue, waiting + 1 - work.model.settings.max_stored_notifications)
        queues.remove(item.id for item in oldest)
        log.warning("%d notifications of %s dropped: too many wait", len(oldest), subscription.path)
    return not waiting


def keep_newest(work: Work, subscription: Resource, queue: str) -> None:
    """Drop all but the newest."""
    queues = work.transaction.queues
    queues.remove(item.id for item in queues.items(subscription.ri, queue)[:-1])
