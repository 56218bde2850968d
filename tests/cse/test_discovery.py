import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.discovery import find, parse_filter
from cse.errors import BadRequest, CSEError, NotImplementedByThisCSE
from cse.resource import Work
from cse.store import Resource
from tests.cse.works import add

NAMES = frozenset({"mni", "rn", "disr", "lbl", "con"})
BOX = Resource(
    "cse-in/box",
    "Capp",
    {"ty": 3, "lbl": ["red", "big"], "ct": "20270101T000000", "et": "20280101T000000", "st": 5, "mni": 7, "disr": True},
)


@pytest.mark.parametrize(
    ("criteria", "fits"),
    [
        ({}, True),
        ({"ty": ["2", "3"]}, True),
        ({"ty": ["4"]}, False),
        ({"lbl": ["green", "red"]}, True),
        ({"lbl": ["green"]}, False),
        ({"crb": ["20270101T000000"]}, False),
        ({"crb": ["20270101T000001"]}, True),
        ({"cra": ["20270101T000000"]}, True),
        ({"cra": ["20270101T000001"]}, False),
        ({"exb": ["20290101T000000"], "exa": ["20280101T000000"]}, True),
        ({"sts": ["5"]}, False),
        ({"sts": ["6"], "stb": ["5"]}, True),
        ({"sza": ["0"]}, False),
        ({"szb": ["999"]}, False),
        ({"mni": ["7"]}, True),
        ({"mni": ["6", "7"]}, True),
        ({"mni": ["*"]}, True),
        ({"mni": ["07"]}, False),
        ({"disr": ["true"]}, True),
        ({"disr": ["True"]}, False),
        ({"con": ["*"]}, False),
        ({"ty": ["3"], "lbl": ["green"]}, False),
    ],
)
def test_all_criteria_must_hold(criteria: dict[str, list[str]], fits: bool) -> None:
    assert parse_filter(criteria, NAMES).fits(BOX) is fits


@pytest.mark.parametrize(
    ("criteria", "error"),
    [
        ({"nonsense": ["1"]}, BadRequest),
        ({"fu": ["0"]}, BadRequest),
        ({"fu": ["3"]}, BadRequest),
        ({"lim": ["0"]}, BadRequest),
        ({"lim": ["-1"]}, BadRequest),
        ({"lim": ["²"]}, BadRequest),
        ({"lim": ["9" * 16]}, BadRequest),
        ({"ty": ["3", "x"]}, BadRequest),
        ({"crb": ["now"]}, BadRequest),
        ({"fo": ["2"]}, NotImplementedByThisCSE),
        ({"arp": ["la"]}, NotImplementedByThisCSE),
    ],
)
def test_what_is_no_criterion_is_refused(criteria: dict[str, list[str]], error: type[CSEError]) -> None:
    with pytest.raises(error, match=next(iter(criteria))):
        parse_filter(criteria, NAMES)


@given(st.integers(1, 10), st.integers(1, 10))
def test_pages_are_slices_of_the_whole(work_limit: int, offset: int) -> None:
    criteria = parse_filter({"fu": ["1"], "lim": [str(work_limit)], "ofst": [str(offset)]}, NAMES)
    assert (criteria.discovers, criteria.limit, criteria.offset) == (True, work_limit, offset)


def test_results_are_live_permitted_and_in_pages(work: Work) -> None:
    for number in range(6):
        add(work, f"cse-in/box{number}", lbl=["even" if number % 2 == 0 else "odd"])
    add(work, "cse-in/gone", et="20200101T000000")

    def found(**criteria: str) -> list[str]:
        parsed = parse_filter({name: [value] for name, value in criteria.items()}, NAMES)
        root = work.target("cse-in").resource
        return [hit.path[-1] for hit in find(work, root, parsed, lambda hit: not hit.path.endswith("3"))]

    assert found() == ["0", "1", "2", "4", "5"]
    assert found(lbl="odd") == ["1", "5"]
    assert found(lim="2", ofst="2") == ["1", "2"]
    assert found(ofst="6") == []
