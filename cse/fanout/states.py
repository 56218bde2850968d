"""The states of a campaign and of its members. Every member is in exactly one; the counts add up at every moment."""

from enum import StrEnum


class State(StrEnum):
    """Of a member. ANSWERED whatever the response status code was."""

    WAITING = "waiting"
    ANSWERED = "answered"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


class Failure(StrEnum):
    """Why a member has FAILED. An UNREACHABLE one has a `cse.network.Reason`."""

    SILENT = "SILENT"
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    ABORTED = "ABORTED"
    SUPERSEDED = "SUPERSEDED"
    ERROR = "ERROR"


WAITING_FOR_DEVICE = "WAITING_FOR_DEVICE"  # the reason of a member in the state WAITING whose device sleeps

# Of a campaign. What has been stopped is in one of the last two states before it is over, too.
ACCEPTED, RUNNING, PAUSED, FINISHED = "accepted", "running", "paused", "finished"
CANCELLED, ABORTED = "cancelled", "aborted"
