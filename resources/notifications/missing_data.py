"""missingData in the criteria of a subscription: how many points must be missing within a time."""

from dataclasses import replace

from cse.notification import Event
from cse.store import Resource
from cse.timing import parse_duration
from cse.work import Work

COUNTED = "_missing_points"  # [when the time is over, how many are missing so far, which ones]
MOST_LISTED = 1000  # of more points only the newest are named


def collected(work: Work, subscription: Resource, event: Event) -> Event | None:
    """The event with all points of the present time, if they are enough. The first one starts the time.

    From then on each further point is enough, until the time is over and with it the count.
    """
    limit = subscription.attributes["enc"]["md"]
    end, count, points = subscription.attributes.get(COUNTED, (work.now, 0, []))
    if end <= work.now:
        end, count, points = work.now + parse_duration(limit["dur"]), 0, []
    reported = event.content["m2m:tsn"]
    count += reported["mdc"]
    points = [*points, *reported["mdlt"]][-MOST_LISTED:]
    subscription.attributes[COUNTED] = [end, count, points]
    work.transaction.resources.update(subscription)
    return replace(event, content={"m2m:tsn": {"mdlt": points, "mdc": count}}) if count >= limit["num"] else None


def restart(subscription: Resource) -> None:
    """Nothing has been counted. The caller stores the subscription."""
    subscription.attributes.pop(COUNTED, None)
