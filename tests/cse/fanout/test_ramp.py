"""Who goes first, and when too many have failed."""

import pytest

from cse.config import ServerSettings
from cse.fanout.ramp import Canary, Threshold
from cse.fanout.schedule import Pending
from cse.network import Host, Offer, Way
from cse.store import Campaign, Row

UNICAST = Way(Offer("u", "net", False, 0, 1000, 0, 200, 10_000), "a")
BROADCAST = Way(Offer("b", "net", True, 100, 10, 0, 200, 10_000), "everybody")


class Found(dict[str, list[Way]]):
    def to(self, host: Host) -> list[Way]:
        return self.get(host.id, [])


MANY = [Pending(Host(f"C{number}", ()), [number]) for number in range(10)]


def campaign() -> Campaign:
    return Campaign("cmp1", 1, "g", b"{}", "req1", 0.0, 100.0, "running")


def row(position: int, state: str, code: int = 0, reason: str = "") -> Row:
    return Row(position, f"m{position}", "t", f"C{position}", state, reason, code)


def canary(size: int = 3, share: float = 60, rows: list[Row] | None = None, of: Campaign | None = None) -> Canary:
    settings = ServerSettings(canary=size, canary_success=share, canary_timeout=30.0)
    return Canary(settings, of or campaign(), rows or [])


def test_without_a_canary_all_are_asked() -> None:
    none = canary(0)
    assert none.admit(MANY, Found(), 0.0) is MANY
    assert (none.objection(1e9), none.hosts, none.until) == ("", frozenset(), float("inf"))


def test_some_of_those_with_a_unicast_are_spread_over_the_group() -> None:
    reaches = Found({f"C{number}": [UNICAST, BROADCAST] if number % 2 else [BROADCAST] for number in range(10)})
    first = canary()
    assert [item.host.id for item in first.admit(MANY, reaches, 0.0)] == ["C1", "C3", "C5"]
    assert first.ways(MANY[1], reaches["C1"]) == [UNICAST]
    assert first.ways(MANY[2], reaches["C2"]) == [BROADCAST]
    assert first.released() == []
    first.ended("C1", succeeded=True)
    first.ended("C2", succeeded=True)
    assert not first.released()
    first.ended("C3", succeeded=True)
    assert [item.host.id for item in first.released()] == ["C0", "C2", "C4", "C6", "C7", "C8", "C9"]
    assert first.objection(1e9) == ""


def test_who_sleeps_does_not_go_first() -> None:
    due = [Pending(Host(f"C{number}", (), reachable=number != 0), [number]) for number in range(4)]
    reaches = Found({f"C{number}": [UNICAST] for number in range(4)})
    assert [item.host.id for item in canary(2).admit(due, reaches, 0.0)] == ["C1", "C2"]


@pytest.mark.parametrize("reach", [[BROADCAST], []])
def test_nobody_goes_first_where_nobody_can(reach: list[Way]) -> None:
    assert len(canary().admit(MANY, Found({f"C{number}": reach for number in range(10)}), 0.0)) == 10


def test_it_fails_when_enough_can_succeed_no_more_or_the_time_is_over() -> None:
    reaches = Found({f"C{number}": [UNICAST] for number in range(10)})
    first = canary()
    first.admit(MANY, reaches, 0.0)
    assert first.objection(29.9) == ""
    assert "0 of the first 3" in first.objection(30.0)
    first.prolong(29.0)
    assert first.objection(58.0) == ""
    first.ended("C0", succeeded=False)
    assert first.objection(31.0) == ""
    first.ended("C3", succeeded=False)
    assert "not 2 (canary_success)" in first.objection(31.0)


def test_after_a_restart_it_goes_on() -> None:
    stored = campaign()
    reaches = Found({f"C{number}": [UNICAST] for number in range(10)})
    canary(of=stored).admit(MANY, reaches, 0.0)
    again = canary(of=stored, rows=[row(0, "answered", 2000), row(3, "waiting")])
    assert [item.host.id for item in again.admit(MANY[1:], reaches, 5.0)] == ["C3", "C6"]
    again.ended("C6", succeeded=True)
    assert len(again.released()) == 7
    assert canary(of=stored).admit(MANY, reaches, 9.0) is MANY


def test_the_threshold_counts_what_members_have_come_to() -> None:
    settings = ServerSettings(abort_percent=50.0, abort_minimum=4)
    rows = [row(0, "answered", 4000), row(1, "failed", reason="CANCELLED"), row(2, "unreachable", reason="NO_POA")]
    threshold = Threshold(settings, [*rows, row(3, "failed", reason="SILENT"), row(4, "waiting")])
    threshold.ended(1, succeeded=True)
    assert threshold.objection() == ""
    threshold.ended(1, succeeded=True)
    assert threshold.objection() == ""
    threshold.ended(2, succeeded=False)
    assert threshold.objection() == "4 of 6 members failed, more than 50 % (abort_percent)"


def test_by_default_nothing_is_aborted() -> None:
    threshold = Threshold(ServerSettings(), [row(0, "answered", 4000)])
    threshold.ended(1_000_000, succeeded=False)
    assert threshold.objection() == ""
