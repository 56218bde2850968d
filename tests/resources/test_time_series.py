from typing import Any

import pytest

from cse.errors import BadRequest, Conflict, InvalidChildResourceType, NotAcceptable
from cse.resource import Event, EventType
from cse.timing import precise_timestamp
from cse.tree.operations import perform
from cse.work import Work
from resources import time_series
from resources.time_series import TimeSeries
from tests.cse.works import NOW, creating, retrieving, updating

TYPE = TimeSeries()
WATCHED = {"mdd": True, "pei": 2000, "peid": 500, "mdt": 1500}


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """The events that time series announce."""
    events: list[Event] = []
    monkeypatch.setattr(time_series, "announce", lambda work, event: events.append(event))
    return events


def create(work: Work, **attributes: Any) -> dict[str, Any]:
    answer = perform(work, creating("cse-in", 29, {"m2m:ts": {"rn": "ts", **attributes}}))
    made: dict[str, Any] = answer.content["m2m:ts"]
    return made


def update(work: Work, **changes: Any) -> dict[str, Any]:
    changed: dict[str, Any] = perform(work, updating("cse-in/ts", {"m2m:ts": changes})).content["m2m:ts"]
    return changed


def now(work: Work) -> dict[str, Any]:
    found: dict[str, Any] = perform(work, retrieving("cse-in/ts")).content["m2m:ts"]
    return found


def measure(work: Work, seconds: float, **attributes: Any) -> dict[str, Any]:
    """Create an instance that was generated so many seconds after NOW."""
    content = {"dgt": precise_timestamp(NOW + seconds), "con": "1"} | attributes
    answer = perform(work, creating("cse-in/ts", 30, {"m2m:tsi": content}))
    made: dict[str, Any] = answer.content["m2m:tsi"]
    return made


def wait(work: Work, seconds: float) -> None:
    """Let alarms ring until so many seconds after NOW, each at its moment."""
    alarms = work.transaction.alarms
    while (due := alarms.next()) is not None and due <= NOW + seconds:
        work.now = due
        for alarm in alarms.due(due, 10):
            alarms.cancel(alarm.ri, alarm.name)
            TYPE.alarm(work, work.target("cse-in/ts").resource, alarm.name)
    work.now = NOW + seconds


def points(*seconds: float) -> list[str]:
    return [precise_timestamp(NOW + second) for second in seconds]


@pytest.mark.parametrize(
    ("attributes", "tolerance"),
    [({}, None), ({"pei": 1000}, 500), ({"pei": 5}, 2), ({"pei": 1000, "peid": 0}, 0), ({"mdd": True, "mdt": 1}, None)],
)
def test_the_tolerance_is_half_of_the_period_unless_stated(
    work: Work, attributes: dict[str, Any], tolerance: int | None
) -> None:
    made = create(work, **attributes)
    assert made.get("peid") == tolerance
    assert (made["mdd"], made["mdc"]) == (attributes.get("mdd", False), 0)
    assert "mdlt" not in made


@pytest.mark.parametrize(
    ("attributes", "word"),
    [
        ({"pei": 1000, "peid": 501}, "peid"),
        ({"peid": 1}, "peid"),
        ({"mdd": True}, "mdt"),
        ({"mdd": True, "pei": 1000, "mdt": 500}, "mdt"),
        ({"mdd": True, "pei": 1, "mdt": 1001}, "mdt"),
        ({"pei": 0}, "pei"),
        ({"mdn": 0}, "mdn"),
        ({"cnf": "text"}, "cnf"),
        ({"mdc": 1}, "mdc"),
    ],
)
def test_attributes_that_do_not_go_together_are_refused(work: Work, attributes: dict[str, Any], word: str) -> None:
    with pytest.raises(BadRequest, match=word):
        create(work, **attributes)


def test_an_update_of_the_period_brings_a_new_tolerance(work: Work) -> None:
    create(work)
    assert update(work, pei=1000)["peid"] == 500
    assert update(work, pei=400)["peid"] == 200
    assert update(work, pei=400, peid=10)["peid"] == 10
    assert update(work, peid=None)["peid"] == 200
    assert "peid" not in update(work, pei=None)
    with pytest.raises(BadRequest, match="peid"):
        update(work, peid=1)


@pytest.mark.parametrize("changes", [{"mdt": 2000}, {"mdn": 2}, {"mdn": None}, {"pei": 4000}, {"peid": 1}])
def test_how_missing_data_is_detected_stays_while_it_is(work: Work, changes: dict[str, Any]) -> None:
    create(work, **WATCHED)
    for together in ({}, {"mdd": False}, {"mdd": True}):
        with pytest.raises(BadRequest, match="mdd"):
            update(work, **changes, **together)
    update(work, mdd=False)
    with pytest.raises(BadRequest, match="mdd"):
        update(work, **changes, mdd=True)
    update(work, **changes)


def test_instances_have_a_moment_of_their_own(work: Work) -> None:
    create(work)
    assert measure(work, 1.25, dgt="20270115T080000,25", snr=7)["snr"] == 7
    for same in ("20270115T080000.25", "20270115T080000,250000Z", "250"):
        with pytest.raises(Conflict, match="dgt"), work.transaction.savepoint():
            measure(work, 0, dgt=same)
    assert measure(work, 0, dgt="251")["dgt"] == "20270115T080000,251000"
    assert now(work)["cni"] == 2
    update(work, mni=1)
    with pytest.raises(Conflict, match="dgt"), work.transaction.savepoint():
        measure(work, 0, dgt="251")


@pytest.mark.parametrize(
    "changes", [{"dgt": None}, {"dgt": "today"}, {"dgt": 1}, {"con": None}, {"con": {}}, {"con": [1]}, {"cs": 1}]
)
def test_an_instance_needs_a_moment_and_a_simple_content(work: Work, changes: dict[str, Any]) -> None:
    create(work)
    with pytest.raises(BadRequest, match=next(iter(changes))):
        measure(work, 0, **changes)


def test_limits_hold_as_in_a_container(work: Work) -> None:
    create(work, mni=2, mbs=6, mia=60)
    for number in range(4):
        made = measure(work, number, con="abc")
    assert (made["cs"], made["et"]) == (3, "20270115T080100")
    assert [now(work)[name] for name in ("cni", "cbs")] == [2, 6]
    for name, dgt in (("la", points(3)), ("ol", points(2))):
        assert [perform(work, retrieving(f"cse-in/ts/{name}")).content["m2m:tsi"]["dgt"]] == dgt
    with pytest.raises(NotAcceptable):
        measure(work, 9, con="1234567")
    with pytest.raises(InvalidChildResourceType):
        perform(work, creating("cse-in/ts", 4, {"m2m:cin": {"con": "1"}}))


def test_what_does_not_come_in_time_is_missing(work: Work, reported: list[Event]) -> None:
    create(work, **WATCHED)
    wait(work, 100)
    measure(work, 100)  # the first says when the others are expected: 102, 104, ...
    wait(work, 102.5)
    measure(work, 102.5)
    wait(work, 105.499)
    assert (now(work)["mdc"], reported) == (0, [])
    wait(work, 105.5)
    assert (now(work)["mdc"], now(work)["mdlt"]) == (1, points(104))
    measure(work, 104)  # too late
    wait(work, 106)
    measure(work, 105.4)  # nearer to 106, and too early for it
    wait(work, 109.5)
    assert now(work)["mdlt"] == points(104, 106, 108)
    assert [event.content for event in reported] == [
        {"m2m:tsn": {"mdlt": [point], "mdc": 1}} for point in points(104, 106, 108)
    ]
    assert {event.type for event in reported} == {EventType.REPORT_ON_MISSING_DATA_POINTS}


def test_the_deadline_counts_even_before_the_alarm_rings(work: Work, reported: list[Event]) -> None:
    create(work, **WATCHED)
    measure(work, 0)
    work.now = NOW + 3.5
    measure(work, 2)
    assert now(work)["mdlt"] == points(2)


def test_the_oldest_leave_a_full_list(work: Work, reported: list[Event]) -> None:
    create(work, **WATCHED, mdn=2)
    measure(work, 0)
    wait(work, 9.5)
    assert (now(work)["mdc"], now(work)["mdlt"]) == (2, points(6, 8))
    assert len(reported) == 4
    update(work, mdd=False)
    shorter = update(work, mdn=1)
    assert (shorter["mdc"], shorter["mdlt"]) == (1, points(8))


def test_detection_stops_and_begins_anew(work: Work, reported: list[Event]) -> None:
    create(work, **WATCHED)
    measure(work, 0)
    wait(work, 4)
    stopped = update(work, mdd=False)
    assert (stopped["mdc"], stopped["mdlt"]) == (1, points(2))
    wait(work, 50)
    measure(work, 50)
    assert now(work)["mdc"] == 1
    again = update(work, mdd=True)
    assert (again["mdc"], again.get("mdlt")) == (0, None)
    wait(work, 60)
    measure(work, 61)
    wait(work, 65)
    assert now(work)["mdlt"] == points(63)
    assert update(work, mdd=True)["mdc"] == 0
    wait(work, 80)
    assert now(work)["mdc"] == 0


def test_an_instance_that_does_not_fit_is_none(work: Work, reported: list[Event]) -> None:
    create(work, **WATCHED, mbs=1)
    measure(work, 0)
    wait(work, 2)
    with pytest.raises(NotAcceptable), work.transaction.savepoint():
        measure(work, 2, con="12")
    wait(work, 3.5)
    assert now(work)["mdlt"] == points(2)


def test_without_a_period_nothing_is_expected(work: Work, reported: list[Event]) -> None:
    create(work, mdd=True, mdt=1)
    measure(work, 0)
    wait(work, 1000)
    assert now(work)["mdc"] == 0
    assert work.transaction.alarms.next() is None


def test_short_periods_are_looked_at_ten_times_a_second(work: Work, reported: list[Event]) -> None:
    """And after a silence of years not more are listed than the limit says, although mdn would allow it."""
    create(work, mdd=True, pei=1, mdt=2, mdn=10**9)
    measure(work, 0)
    assert work.transaction.alarms.next() == NOW + time_series.FINEST
    wait(work, 0.5)
    assert now(work)["mdc"] == 498
    assert len(now(work)["mdlt"]) == 498
    work.now = NOW + 1e7
    measure(work, -1)
    assert now(work)["mdc"] == time_series.MOST_LISTED
    assert now(work)["mdlt"][-1] == precise_timestamp(NOW + 1e7 - 0.002)
