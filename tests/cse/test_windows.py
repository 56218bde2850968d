from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.errors import BadRequest
from cse.windows import inside, next_opening, parse_window


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


BOUNDS = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6), (1970, 9999)]


def fits(item: str, number: int, first: int, last: int) -> bool:
    """A naive reading of one item of one field."""
    spread, _, step = item.partition("/")
    low, _, high = (f"{first}-{last}" if spread == "*" else spread).partition("-")
    begin, end = int(low), int(high or low)
    if begin > end:
        end += last - first + 1
        number += 0 if number >= begin else last - first + 1
    return begin <= number <= end and (number - begin) % int(step or 1) == 0


def naive(entry: str, seconds: int) -> bool:
    """Field by field, at one second."""
    at = datetime.fromtimestamp(seconds, UTC)
    values = [at.second, at.minute, at.hour, at.day, at.month, (at.weekday() + 1) % 7, at.year]
    return all(
        any(fits(item, value, *bounds) for item in field.split(","))
        for field, value, bounds in zip(entry.split(), values, BOUNDS, strict=True)
    )


def field(first: int, last: int, *, wide: bool) -> st.SearchStrategy[str]:
    number = st.integers(first, last)
    spread = st.builds(lambda ends: f"{ends[0]}-{ends[1]}", st.tuples(number, number))
    stepped = st.builds("{}/{}".format, st.just("*") | spread, st.integers(1, last - first))
    items = st.lists(number.map(str) | spread | stepped, min_size=1, max_size=3).map(",".join)
    return st.just("*") | items if wide else items


days = [field(*bounds, wide=True) for bounds in BOUNDS[3:6]]
years = st.sampled_from(["*", "2027", "2027-2028", "2026,2028", "2027-2030/2"])
entries = st.tuples(*(field(*bounds, wide=True) for bounds in BOUNDS[:3]), *days, years).map(" ".join)
START = int(moment("2027-01-01T00:00:00"))


@given(entries, st.integers(START, START + 3 * 366 * 86400))
def test_a_moment_is_inside_if_all_of_its_fields_fit(entry: str, seconds: int) -> None:
    assert parse_window(entry).contains(seconds) == parse_window(entry).contains(seconds + 0.9) == naive(entry, seconds)


@given(entries, st.integers(START, START + 366 * 86400))
def test_it_opens_at_the_first_second_inside(entry: str, seconds: int) -> None:
    opening = parse_window(entry).opens(seconds)
    last = seconds + 600 if opening is None else min(int(opening), seconds + 600)
    assert not any(naive(entry, second) for second in range(seconds, last))
    assert opening is None or naive(entry, int(opening))


@pytest.mark.parametrize(
    ("entry", "now", "opening"),
    [
        ("* * * * * * *", "2027-03-01T10:00:00.500", "2027-03-01T10:00:00.500"),
        ("0 0 0 * * * *", "2027-12-31T23:59:59.500", "2028-01-01T00:00:00"),
        ("* * 22-5 * * * *", "2027-03-01T05:59:59.500", "2027-03-01T05:59:59.500"),
        ("* * 22-5 * * * *", "2027-03-01T06:00:00", "2027-03-01T22:00:00"),
        ("0 30 8 29 2 * *", "2027-03-01T00:00:00", "2028-02-29T08:30:00"),
        ("0 0 0 29 2 0 *", "2077-01-01T00:00:00", "2088-02-29T00:00:00"),
        ("0 0 0 * * 7 *", "2027-03-01T00:00:00", "2027-03-07T00:00:00"),
        ("0 0 0 * * 6-7 *", "2027-03-01T00:00:00", "2027-03-06T00:00:00"),
        ("* * * * * * 1984", "2027-03-01T00:00:00", None),
        ("* * * 30 2 * *", "2027-03-01T00:00:00", None),
    ],
)
def test_when_it_opens_next(entry: str, now: str, opening: str | None) -> None:
    assert next_opening([entry], moment(now)) == (None if opening is None else moment(opening))


def test_of_several_entries_any_one_counts() -> None:
    entries = ["* * 8 * * * *", "* * 12 * * * *", "* * * * * * 1999"]
    noon = moment("2027-03-01T12:00:00")
    assert inside(entries, noon)
    assert not inside(entries, noon - 1)
    assert next_opening(entries, noon - 3 * 3600) == noon
    assert next_opening(entries, noon + 3600) == noon + 20 * 3600
    assert next_opening([], noon) is None
    assert not inside([], noon)


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ("", "seven fields"),
        ("* * * * * *", "seven fields"),
        ("* * * * * * * *", "seven fields"),
        ("* " * 200, "seven fields"),
        ("60 * * * * * *", "second"),
        ("* x * * * * *", "minute"),
        ("* * 1- * * * *", "hour"),
        ("* * * 0 * * *", "day of the month"),
        ("* * * * 1/2 * *", "month"),
        ("* * * * */0 * *", "month"),
        ("* * * * 1,,2 * *", "month"),
        ("* * * * * 8 *", "day of the week"),
        ("* * * * * * 2028-2027", "year"),
        ("* * * * * * 1969", "year"),
        ("* * * * * * ٢٠٢٧", "year"),
    ],
)
def test_what_is_no_entry_names_the_field(entry: str, named: str) -> None:
    with pytest.raises(BadRequest, match=f"^sce.* {named}"):
        parse_window(entry, "sce")


@given(st.text("0123456789*/,- ", max_size=40) | st.text(max_size=20))
def test_any_text_is_an_entry_or_refused(text: str) -> None:
    for entry in (text, f"0 0 0 {text} * *", f"{text} * * * * * *"):
        try:
            window = parse_window(entry)
        except BadRequest:
            continue
        opening = window.opens(START)
        assert opening is None or window.contains(opening)
