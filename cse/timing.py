"""Timestamps of TS-0004 clause 6.3.3 and the one clock that everything asks for the time."""

import asyncio
import math
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from datetime import UTC, datetime
from functools import lru_cache

from cse.errors import BadRequest

_TIMESTAMP = re.compile(r"(\d{8}T\d{6})(?:[,.](\d{1,6}))?Z?", re.ASCII)
_DURATION = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)
_MILLISECONDS = re.compile(r"-?\d{1,13}(?:\.\d{1,6})?", re.ASCII)
_SECONDS = {
    "years": 365 * 86400.0,
    "months": 30 * 86400.0,
    "weeks": 7 * 86400.0,
    "days": 86400.0,
    "hours": 3600.0,
    "minutes": 60.0,
    "seconds": 1.0,
}
_LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
LONGEST_DURATION = 1000 * _SECONDS["years"]
MICROSECONDS = 1_000_000  # in a second
# What a moment or a second is called never changes: the same ones are written and read many times in one request.
REMEMBERED_MOMENTS = 64
REMEMBERED_SECONDS = 1024


class Clock(ABC):
    """The time as the server sees it. Nothing else reads the time; tests put their own clock here."""

    @abstractmethod
    def now(self) -> float:
        """Seconds since 1970, UTC."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Return after this many seconds of this clock; at once for zero or less."""

    async def within(self, seconds: float, awaitable: Awaitable[object]) -> bool:
        """Wait for the awaitable for at most this many seconds; true if it ended in time. It is cancelled if not."""
        work = asyncio.ensure_future(awaitable)
        timer = asyncio.ensure_future(self.sleep(seconds))
        try:
            await asyncio.wait({work, timer}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
                return True
            return False
        finally:
            for task in (work, timer):
                task.cancel()
            await asyncio.gather(work, timer, return_exceptions=True)


class SystemClock(Clock):
    """The clock of the machine."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    async def within(self, seconds: float, awaitable: Awaitable[object]) -> bool:
        """With one timer and in the caller's task: most of what is waited for is in time."""
        limit = asyncio.timeout(max(0.0, seconds))
        try:
            async with limit:
                await awaitable
        except TimeoutError:
            if not limit.expired():
                raise
            return False
        return True


def timestamp(seconds: float) -> str:
    """Seconds since 1970 as `YYYYMMDDTHHMMSS`, the form of every resource attribute; 9999 is the last year."""
    return _second(_microseconds(seconds) // MICROSECONDS)


@lru_cache(REMEMBERED_MOMENTS)
def precise_timestamp(seconds: float) -> str:
    """Seconds since 1970 as `YYYYMMDDTHHMMSS,ffffff`, the form that orders requests (originatingTimestamp)."""
    whole, fraction = divmod(_microseconds(seconds), MICROSECONDS)
    return f"{_second(whole)},{fraction:06}"


@lru_cache(REMEMBERED_MOMENTS)
def exact_timestamp(seconds: float) -> str:
    """The same without zeros at its end, so that moments and whole seconds are in order as texts."""
    return precise_timestamp(seconds).rstrip("0").rstrip(",")


def has_passed(text: str, now: float) -> bool:
    """Whether the moment of a timestamp, as resources have it, is not later than now; most are not of this second."""
    second, this = whole_seconds(text), timestamp(now)
    return second < this or (second == this and text <= precise_timestamp(now))


def whole_seconds(text: str) -> str:
    """A timestamp without its fraction."""
    return text[: len("YYYYMMDDTHHMMSS")]


def _microseconds(seconds: float) -> int:
    """Moments up to the last one, to the nearest microsecond."""
    bounded = min(seconds, _LAST_MOMENT)
    whole = math.floor(bounded)
    return whole * MICROSECONDS + round((bounded - whole) * MICROSECONDS)


@lru_cache(REMEMBERED_SECONDS)
def _second(seconds: int) -> str:
    # Not strftime, which leaves the leading zeros of early years away.
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat().replace("-", "").replace(":", "")


def parse_timestamp(text: str, name: str = "timestamp") -> float:
    """A timestamp as seconds since 1970; BadRequest naming `name` when it is none."""
    try:
        return _read(text)
    except ValueError:
        raise BadRequest(f"{name} must be a UTC timestamp such as 20260102T101500, not {text[:40]!r}") from None


@lru_cache(REMEMBERED_SECONDS)
def _read(text: str) -> float:
    """ValueError if it is no timestamp."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError
    whole = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    return whole.timestamp() + int((match[2] or "0").ljust(6, "0")) / MICROSECONDS


def parse_moment(text: str, now: float, name: str) -> float:
    """A timestamp, or milliseconds or a duration after `now` (m2m:absRelTimestamp), as seconds since 1970."""
    if _MILLISECONDS.fullmatch(text):
        return now + float(text) / 1000
    if text.startswith("P"):
        return now + parse_duration(text, name)
    return parse_timestamp(text, name)


def parse_duration(text: str, name: str = "duration") -> float:
    """An xs:duration such as `PT15M` in seconds (a month is 30 days, a year 365), at most 1000 years."""
    match = _DURATION.fullmatch(text)
    if not match or not any(match.groupdict().values()) or text.endswith("T"):
        raise BadRequest(f"{name} must be a duration such as PT15M, not {text[:40]!r}")
    seconds = sum(float(value) * _SECONDS[unit] for unit, value in match.groupdict().items() if value)
    if seconds > LONGEST_DURATION:
        raise BadRequest(f"{name} must be a duration of at most 1000 years, not {text[:40]!r}")
    return seconds
