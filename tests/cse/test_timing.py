"""Timestamps, durations, and the clock."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.errors import BadRequest
from cse.testing.clock import ManualClock, settle
from cse.timing import (
    LONGEST_DURATION,
    SystemClock,
    exact_timestamp,
    has_passed,
    parse_duration,
    parse_moment,
    parse_timestamp,
    precise_timestamp,
    timestamp,
    whole_seconds,
)

MORNING = datetime(2026, 1, 2, 10, 15, tzinfo=UTC).timestamp()
moments = st.datetimes(timezones=st.just(UTC)).map(datetime.timestamp)
units = {"Y": 365 * 86400, "M": 30 * 86400, "W": 7 * 86400, "D": 86400}
clock_units = {"H": 3600, "M": 60, "S": 1}


def test_a_timestamp_is_utc_in_the_basic_format() -> None:
    assert timestamp(MORNING) == "20260102T101500"
    assert precise_timestamp(MORNING + 0.25) == "20260102T101500,250000"


def test_a_moment_without_fraction_has_one_in_the_precise_form() -> None:
    assert precise_timestamp(MORNING) == "20260102T101500,000000"


def test_the_exact_form_has_no_zeros_at_its_end() -> None:
    assert exact_timestamp(MORNING) == "20260102T101500"
    assert exact_timestamp(MORNING + 0.25) == "20260102T101500,25"
    assert exact_timestamp(MORNING + 1e-9) == "20260102T101500"
    assert whole_seconds("20260102T101500,25") == whole_seconds("20260102T101500") == "20260102T101500"


def test_early_years_keep_their_zeros() -> None:
    assert timestamp(datetime(99, 1, 1, tzinfo=UTC).timestamp()) == "00990101T000000"


@pytest.mark.parametrize("seconds", [253402300800, 1e18, 10**30, float("inf")])
def test_moments_that_no_timestamp_can_state_become_the_last_one(seconds: float) -> None:
    assert timestamp(seconds) == "99991231T235959"


@given(moments)
def test_what_is_written_is_read_back(seconds: float) -> None:
    assert parse_timestamp(timestamp(seconds)) == seconds // 1
    assert parse_timestamp(precise_timestamp(seconds)) == pytest.approx(seconds, abs=1e-4)


@given(moments, moments)
def test_timestamps_order_like_the_moments(one: float, other: float) -> None:
    earlier, later = sorted([one, other])
    assert timestamp(earlier) <= timestamp(later)
    assert precise_timestamp(earlier) <= precise_timestamp(later)
    assert timestamp(earlier) <= exact_timestamp(earlier) <= exact_timestamp(later)


@given(moments, moments, st.sampled_from([timestamp, exact_timestamp, precise_timestamp]))
def test_what_has_passed_is_not_behind_the_moment_as_a_text(
    now: float, other: float, form: Callable[[float], str]
) -> None:
    for text in (form(other), form(now), "~"):
        assert has_passed(text, now) == (text <= precise_timestamp(now))


@pytest.mark.parametrize(
    ("text", "fraction"),
    [("20260102T101500", 0), ("20260102T101500Z", 0), ("20260102T101500,5", 0.5), ("20260102T101500.000250Z", 0.00025)],
)
def test_a_timestamp_may_have_a_fraction_and_a_zone(text: str, fraction: float) -> None:
    assert parse_timestamp(text) == pytest.approx(MORNING + fraction, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "20260102",
        "20260102101500",
        "2026-01-02T10:15:00",
        "20260230T101500",
        "20260102T241500",
        "20260102T101560",
        "00000102T101500",
        "20260102T101500,",
        "20260102T101500,1234567",
        "20260102T101500+0100",
        " 20260102T101500",
        "20260102T101500\n",
        "２０２６0102T101500",  # noqa: RUF001 - digits that are not ASCII
    ],
)
def test_what_is_no_timestamp_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadRequest, match=r"^et must be a UTC timestamp such as 20260102T101500, not "):
        parse_timestamp(text, "et")


@given(
    st.tuples(st.integers(0, 9999), *[st.integers(0, most) for most in (13, 32, 24, 60, 61)]),
)
def test_exactly_the_moments_of_the_calendar_are_timestamps(parts: tuple[int, ...]) -> None:
    text = "{:04}{:02}{:02}T{:02}{:02}{:02}".format(*parts)
    try:
        moment = datetime(*parts, tzinfo=UTC)
    except ValueError:
        with pytest.raises(BadRequest):
            parse_timestamp(text)
    else:
        assert parse_timestamp(text) == moment.timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1500", 1.5), ("0", 0), ("-250", -0.25), ("9999999999999", 9999999999.999), ("1000.5", 1.0005)],
)
def test_a_number_is_milliseconds_from_now(text: str, seconds: float) -> None:
    assert parse_moment(text, MORNING, "rqet") == MORNING + seconds


def test_a_moment_may_be_a_duration() -> None:
    assert parse_moment("PT90S", MORNING, "rqet") == MORNING + 90


def test_a_moment_may_be_absolute() -> None:
    assert parse_moment("20260102T101500", 0.0, "rqet") == MORNING


@pytest.mark.parametrize("text", ["", "-", "--5", "1.5.5", "²", "10000000000000", "tomorrow"])
def test_what_is_no_moment_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadRequest, match=r"^rqet must be"):
        parse_moment(text, MORNING, "rqet")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT15M", 900),
        ("P1DT2H3M4.5S", 93784.5),
        ("P1Y2M3W4D", (365 + 60 + 21 + 4) * 86400),
        ("PT0S", 0),
        ("P1000Y", LONGEST_DURATION),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@given(st.tuples(*[st.none() | st.integers(0, 400)] * 4), st.tuples(*[st.none() | st.integers(0, 4000)] * 3))
def test_every_combination_of_units_adds_up(days: tuple[int | None, ...], hours: tuple[int | None, ...]) -> None:
    date = [(count, unit) for count, unit in zip(days, units, strict=True) if count is not None]
    clock = [(count, unit) for count, unit in zip(hours, clock_units, strict=True) if count is not None]
    text = "P" + "".join(f"{count}{unit}" for count, unit in date)
    text += "T" * bool(clock) + "".join(f"{count}{unit}" for count, unit in clock)
    if not date and not clock:
        with pytest.raises(BadRequest):
            parse_duration(text)
    else:
        wanted = sum(count * units[unit] for count, unit in date)
        assert parse_duration(text) == wanted + sum(count * clock_units[unit] for count, unit in clock)


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1DT", "15M", "PT15", "P15H", "PT1D", "-PT1S", "PT1.S", "PT-1S", "P1M1Y", "PT1S ", "PT٣S"]
)
def test_what_is_no_duration_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadRequest, match=r"^rstw must be a duration such as PT15M, not "):
        parse_duration(text, "rstw")


@pytest.mark.parametrize("text", ["P1000YT1S", "P" + "9" * 1000 + "Y"])
def test_a_duration_has_a_limit(text: str) -> None:
    with pytest.raises(BadRequest, match=r"^mia must be a duration of at most 1000 years") as refusal:
        parse_duration(text, "mia")
    assert len(str(refusal.value)) < 200


async def test_work_that_ends_in_time() -> None:
    clock = ManualClock()
    waiting = asyncio.create_task(clock.within(10, clock.sleep(9)))
    await clock.advance(9)
    assert await waiting is True


async def test_work_that_does_not_end_in_time_is_cancelled() -> None:
    clock = ManualClock()
    work = asyncio.create_task(asyncio.Event().wait())
    waiting = asyncio.create_task(clock.within(10, work))
    await clock.advance(9.999)
    assert not waiting.done()
    await clock.advance(0.001)
    assert await waiting is False
    assert work.cancelled()


@pytest.mark.parametrize("seconds", [0, -1])
async def test_without_time_only_what_has_ended_is_in_time(seconds: float) -> None:
    clock = ManualClock()
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    assert await clock.within(seconds, done) is True
    assert await clock.within(seconds, asyncio.Event().wait()) is False


async def test_an_error_of_the_work_comes_through() -> None:
    async def fail() -> None:
        raise BadRequest("no")

    with pytest.raises(BadRequest, match="no"):
        await ManualClock().within(10, fail())


async def test_whoever_stops_waiting_stops_the_work() -> None:
    work = asyncio.create_task(asyncio.Event().wait())
    waiting = asyncio.create_task(ManualClock().within(10, work))
    await settle()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.cancelled()


async def test_the_clock_of_the_machine_waits_no_longer_than_it_must() -> None:
    clock = SystemClock()
    work = asyncio.create_task(asyncio.Event().wait())
    assert await clock.within(0.001, work) is False
    assert work.cancelled()
    for seconds in (0, -1):
        assert await clock.within(seconds, asyncio.Event().wait()) is False
    assert await clock.within(60, asyncio.sleep(0)) is True


async def test_a_limit_of_the_work_itself_is_no_limit_of_the_clock() -> None:
    async def fail() -> None:
        raise TimeoutError("of the work")

    with pytest.raises(TimeoutError, match="of the work"):
        await SystemClock().within(60, fail())


async def test_the_clock_of_the_machine_goes_on() -> None:
    clock = SystemClock()
    readings = [clock.now()]
    for seconds in (-1, 0, 0.001):
        await clock.sleep(seconds)
        readings.append(clock.now())
    assert all(earlier <= later for earlier, later in itertools.pairwise(readings))
    assert readings[0] == pytest.approx(datetime.now(UTC).timestamp(), abs=60)
