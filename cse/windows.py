"""Time windows as schedule entries of seven fields, in UTC (TS-0001 clause 9.6.9).

The fields are second, minute, hour, day of the month, month, day of the week (0 and 7 are Sunday) and year. Each is `*`
or a list of numbers, of ranges (`8-17`) and of steps (`*/15`, `8-17/2`), with commas between them. A range may go
round, such as the hours `22-5`; only years can't. A moment is inside if all of its fields fit.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache

from cse.errors import BadRequest

LONGEST_ENTRY = 256
LEAP_YEAR = 2000
CALENDAR = 400  # years: then the days of the week are the same again
_ITEM = re.compile(r"(?:\*|(\d{1,4})(?:-(\d{1,4}))?)(?:/(\d{1,4}))?", re.ASCII)
_EXAMPLE = "0-59 */15 8-17 * * 1-5 *"


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    first: int
    last: int
    goes_round: bool = True
    highest: int = 0  # a higher number that is accepted, too, and means `first`

    def parse(self, text: str) -> int:
        """The numbers that fit, as a set of bits; ValueError if the text is none of this field."""
        if text == "*":
            return self.everything
        numbers = (number for item in text.split(",") for number in self._numbers(item))
        return self._bits(numbers)

    @property
    def everything(self) -> int:
        return self._bits(range(self.first, self.last + 1))

    def _numbers(self, item: str) -> range:
        match = _ITEM.fullmatch(item)
        if match is None or (match[3] and match[1] and not match[2]):
            raise ValueError
        low = self.first if match[1] is None else int(match[1])
        high = self.last if match[1] is None else int(match[2] or match[1])
        step = int(match[3] or 1)
        if not (self._is_known(low) and self._is_known(high) and step):
            raise ValueError
        if low > high and self.goes_round:
            high += self.last - self.first + 1
        if low > high:
            raise ValueError
        return range(low, high + 1, step)

    def _is_known(self, number: int) -> bool:
        return self.first <= number <= max(self.last, self.highest)

    def _bits(self, numbers: Iterable[int]) -> int:
        size = self.last - self.first + 1
        bits = 0
        for number in numbers:
            bits |= 1 << ((number - self.first) % size + self.first)
        return bits


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12),
    _Field("day of the week", 0, 6, highest=7),
    _Field("year", 1970, 9999, goes_round=False),
)


@dataclass(frozen=True, slots=True)
class Window:
    """One schedule entry. Each field is the set of the numbers that fit: bit n stands for n."""

    seconds: int
    minutes: int
    hours: int
    days: int
    months: int
    weekdays: int
    years: int

    def contains(self, moment: float) -> bool:
        """Whether a moment (seconds since 1970) is inside; a second is inside as a whole."""
        at = datetime.fromtimestamp(math.floor(moment), UTC)
        return self._has_day(at.date()) and self._has_time(at.time())

    def opens(self, moment: float) -> float | None:
        """The first moment inside that is not before this one; None if there is none within 400 years."""
        if self.contains(moment):
            return moment
        start = datetime.fromtimestamp(math.ceil(moment), UTC)
        for day in self._days_from(start.date()):
            found = self._first_time(start.time() if day == start.date() else time.min)
            if found is not None:
                return datetime.combine(day, found, UTC).timestamp()
        return None

    def _has_day(self, day: date) -> bool:
        is_in_season = self.years >> day.year & self.months >> day.month & self.days >> day.day & 1
        return bool(is_in_season and self.weekdays >> _weekday(day) & 1)

    def _has_time(self, at: time) -> bool:
        return bool(self.hours >> at.hour & self.minutes >> at.minute & self.seconds >> at.second & 1)

    def _days_from(self, start: date) -> Iterator[date]:
        if not any(self._days_of(LEAP_YEAR)):  # such as the 30th of February
            return
        for year in range(start.year, min(start.year + CALENDAR, 9999) + 1):
            if self.years >> year & 1:
                yield from (day for day in self._days_of(year) if day >= start and self._has_day(day))

    def _days_of(self, year: int) -> Iterator[date]:
        for month in _numbers(self.months):
            for number in _numbers(self.days):
                try:
                    yield date(year, month, number)
                except ValueError:  # the month is too short
                    break

    def _first_time(self, start: time) -> time | None:
        times = (
            time(hour, minute, second)
            for hour in _numbers(self.hours)
            if hour >= start.hour
            for minute in _numbers(self.minutes)
            if (hour, minute) >= (start.hour, start.minute)
            for second in _numbers(self.seconds)
        )
        return next((found for found in times if found >= start), None)


@lru_cache(4096)
def parse_window(text: str, name: str = "the schedule entry") -> Window:
    """A schedule entry; BadRequest that names the field at fault."""
    parts = text.split() if len(text) <= LONGEST_ENTRY else []
    if len(parts) != len(_FIELDS):
        names = ", ".join(field.name for field in _FIELDS)
        raise BadRequest(f"{name} must have seven fields ({names}) such as {_EXAMPLE}, not {text[:60]!r}")
    return Window(*(_parse(field, part, name) for field, part in zip(_FIELDS, parts, strict=True)))


def inside(entries: Iterable[str], moment: float) -> bool:
    """Whether a moment is inside any of these schedule entries."""
    return any(parse_window(entry).contains(moment) for entry in entries)


def next_opening(entries: Iterable[str], moment: float) -> float | None:
    """The first moment inside any of these schedule entries that is not before this one; None for never."""
    openings = (parse_window(entry).opens(moment) for entry in entries)
    return min((opening for opening in openings if opening is not None), default=None)


def _parse(field: _Field, text: str, name: str) -> int:
    try:
        return field.parse(text)
    except ValueError:
        bounds = f"{field.first} to {max(field.last, field.highest)}"
        sentence = f"{name}: the {field.name} must be *, or numbers from {bounds}, ranges and steps of them"
        raise BadRequest(f"{sentence} ({_EXAMPLE}), not {text[:40]!r}") from None


def _weekday(day: date) -> int:
    """0 is Sunday."""
    return day.isoweekday() % 7


def _numbers(bits: int) -> Iterator[int]:
    return (number for number in range(bits.bit_length()) if bits >> number & 1)
