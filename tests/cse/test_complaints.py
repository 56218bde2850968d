"""A warning that would come often is said once in a while, with how often it was not."""

import logging

import pytest

from cse.complaints import INTERVAL, MOST_REMEMBERED, Complaints
from cse.testing.clock import ManualClock


@pytest.fixture
def complaints(clock: ManualClock) -> Complaints:
    return Complaints(clock, logging.getLogger("test"))


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


async def test_the_first_is_said_and_others_are_counted(
    complaints: Complaints, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(4):
        complaints.about("one", "one is silent")
    complaints.about("two", "two is silent")
    assert said(caplog) == ["one is silent", "two is silent"]
    await clock.advance(INTERVAL)
    for _ in range(2):
        complaints.about("one", "one is silent")
    await clock.advance(2 * INTERVAL)
    complaints.about("two", "two is silent")
    assert said(caplog)[2:] == ["one is silent (and 3 times before)", "two is silent"]


def test_not_everything_is_remembered(complaints: Complaints, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(MOST_REMEMBERED + 1):
        complaints.about(str(number), f"{number}")
    complaints.about("0", "0")
    complaints.about(str(MOST_REMEMBERED), "not said")
    assert said(caplog)[-1] == "0"
    assert len(caplog.records) == MOST_REMEMBERED + 2
