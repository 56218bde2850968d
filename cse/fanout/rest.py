"""Devices that sleep: when they can be reached again, and by what until then."""

import math
from collections.abc import Container

from cse.network import Host, Reach, Reason, Unreachable
from cse.windows import inside, next_opening

ASLEEP = Unreachable("device", Reason.OFFLINE, "the device sleeps: it says so by rr, or by the schedule of its node")


def wakes_at(host: Host, now: float) -> float | None:
    """When something can be sent to a host; infinity if it must say so first, None if it is awake.

    Of members on other CSEs their CSE knows.
    """
    if host.cse or (host.reachable and not host.schedule):
        return None
    if not host.reachable:
        return math.inf
    if inside(host.schedule, now):
        return None
    opening = next_opening(host.schedule, now)
    return math.inf if opening is None else opening


def reach_of(host: Host, reach: Reach, storing: Container[str], now: float) -> Reach:
    """Of the ways to a host those that are of use now: to one that sleeps, what waits until it is fetched."""
    if wakes_at(host, now) is None:
        return reach
    return [entry for entry in reach if isinstance(entry, Unreachable) or entry.offer.network in storing]
