"""Which verified requests are new."""

import pytest

from cse.protection import Freshness, Refusal, Refused
from cse.protection.freshness import REMEMBERED, SKEW, Moment

NOW = 1_800_000_000.0


def admit(freshness: Freshness, identifier: str, made: float, signature: bytes = b"1", **others: float) -> str:
    """The refusal, "" for none; `now` is NOW and the request ends in an hour unless said otherwise."""
    moment = Moment(made, others.get("expires", NOW + 3600))
    try:
        freshness.admit(identifier, moment, signature, others.get("now", NOW))
    except Refused as refused:
        return refused.refusal
    return ""


def test_newer_ones_only() -> None:
    freshness = Freshness()
    assert admit(freshness, "r2", NOW) == ""
    assert admit(freshness, "r1", NOW - 1) == Refusal.REPLAYED
    assert admit(freshness, "r3", NOW) == Refusal.REPLAYED
    assert admit(freshness, "r4", NOW + 0.000_001) == ""


def test_another_message_of_the_same_request_but_not_the_same_message() -> None:
    freshness = Freshness()
    assert [admit(freshness, "r1", NOW, signature) for signature in (b"1", b"1", b"2", b"2")] == [
        "",
        Refusal.REPLAYED,
        "",
        Refusal.REPLAYED,
    ]
    assert admit(freshness, "r2", NOW + 1) == ""
    assert admit(freshness, "r1", NOW, b"3") == ""
    assert admit(freshness, "r1", NOW + 2, b"4") == Refusal.REPLAYED


@pytest.mark.parametrize(
    ("made", "expires", "refusal"),
    [
        (NOW - 86400, NOW + 1, ""),
        (NOW - 86400, NOW - SKEW, ""),
        (NOW - 86400, NOW - SKEW - 1, Refusal.EXPIRED),
        (NOW + SKEW, NOW + 3600, ""),
        (NOW + SKEW + 1, NOW + 3600, Refusal.EXPIRED),
    ],
)
def test_its_time(made: float, expires: float, refusal: str) -> None:
    assert admit(Freshness(), "r1", made, expires=expires) == refusal


@pytest.mark.parametrize(("age", "refused"), [(SKEW, False), (SKEW + 1, True)])
def test_without_an_expiration_it_is_good_for_the_difference_of_clocks(age: float, refused: bool) -> None:
    freshness = Freshness()
    if refused:
        with pytest.raises(Refused, match="expired"):
            freshness.admit("r1", Moment(NOW - age), b"1", NOW)
    else:
        freshness.admit("r1", Moment(NOW - age), b"1", NOW)


def test_after_a_restart_the_newest_moment_is_still_known() -> None:
    freshness = Freshness()
    assert admit(freshness, "r1", NOW) == ""
    freshness.restart()
    assert admit(freshness, "r1", NOW) == Refusal.REPLAYED
    assert admit(freshness, "r2", NOW + 1) == ""


def test_what_is_remembered_is_bounded() -> None:
    freshness = Freshness()
    for number in range(REMEMBERED + 1):
        assert admit(freshness, f"r{number}", NOW + number / 1000) == ""
    assert admit(freshness, "r0", NOW, b"2") == Refusal.REPLAYED
    assert admit(freshness, "r1", NOW + 0.001, b"2") == ""
    assert len(freshness._known) == REMEMBERED


def test_a_refused_request_leaves_no_trace() -> None:
    freshness = Freshness()
    assert admit(freshness, "r1", NOW + SKEW + 1) == Refusal.EXPIRED
    assert admit(freshness, "r2", NOW) == ""
