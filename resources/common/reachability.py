"""Alarms of resources that wait for other CSEs to be reachable."""

from cse.work import Work

UNREACHABLE = "another CSE could not be reached"


def reachable_again(work: Work) -> None:
    """A CSE has registered or has a new address: all that wait for some CSE try again."""
    work.hasten(UNREACHABLE)
