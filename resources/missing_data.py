"""missingData in the criteria of a subscription: how many points must be missing within a time."""

from cse.resource import Work
from cse.store import Resource
from cse.timing import parse_duration

COUNTED = "_missing_points"  # [when the time is over, points so far]


def suffice(work: Work, subscription: Resource) -> bool:
    """Count one more missing point; whether there are enough of them now. The first one starts the time."""
    limit = subscription.attributes["enc"]["md"]
    end, count = subscription.attributes.get(COUNTED, (work.now, 0))
    if end <= work.now:
        end, count = work.now + parse_duration(limit["dur"]), 0
    subscription.attributes[COUNTED] = [end, count + 1]
    work.transaction.resources.update(subscription)
    return bool(count + 1 >= limit["num"])


def restart(subscription: Resource) -> None:
    """Nothing has been counted. The caller stores the subscription."""
    subscription.attributes.pop(COUNTED, None)
