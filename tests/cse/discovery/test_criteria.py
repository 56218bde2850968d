from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.discovery.conditions import Kin
from cse.discovery.criteria import parse_filter
from cse.errors import BadRequest, CSEError, NotImplementedByThisCSE
from cse.store import Resource

NAMES = frozenset({"mni", "rn", "disr", "lbl", "con", "ct", "poa", "nec"})
BOX = Resource(
    "cse-in/box",
    "Capp",
    {
        "ty": 3,
        "lbl": ["red", "size:big"],
        "ct": "20270101T000000",
        "et": "20280101T000000",
        "st": 5,
        "mni": 7,
        "disr": True,
        "poa": ["http://a", "http://b"],
        "nec": {"x": "y"},
    },
)
PARENT = Resource("cse-in", "CAdmin", {"ty": 5, "lbl": ["top"], "rn": "cse-in"})
CHILDREN = [
    Resource("cse-in/box/a", "Capp", {"ty": 4, "cs": 3, "cnf": "text/plain:0", "con": "abc", "rn": "a"}),
    Resource("cse-in/box/b", "Capp", {"ty": 3, "lbl": ["blue"], "rn": "b"}),
]


class Family(Kin):
    """BOX between its parent and its children."""

    def parent(self, resource: Resource) -> Resource | None:
        return PARENT if resource is BOX else None

    def children(self, resource: Resource, ty: int | None = None) -> Iterable[Resource]:
        return [child for child in CHILDREN if resource is BOX and ty in (None, child.ty)]


@pytest.mark.parametrize(
    ("criteria", "fits"),
    [
        ({}, True),
        ({"ty": ["2", "3"]}, True),
        ({"ty": ["4"]}, False),
        ({"lbl": ["green", "red"]}, True),
        ({"lbl": ["green"]}, False),
        ({"lbq": ["size", "NE", "small"]}, True),
        ({"lbq": ["NT red"]}, False),
        ({"crb": ["20270101T000000"]}, False),
        ({"crb": ["20270101T000001"]}, True),
        ({"cra": ["20270101T000000"]}, True),
        ({"cra": ["20270101T000001"]}, False),
        ({"us": ["20990101T000000"]}, False),
        ({"exb": ["20290101T000000"], "exa": ["20280101T000000"]}, True),
        ({"sts": ["5"]}, False),
        ({"sts": ["6"], "stb": ["5"]}, True),
        ({"sza": ["0"]}, False),
        ({"szb": ["999"]}, False),
        ({"cty": ["*"]}, False),
        ({"mni": ["7"]}, True),
        ({"mni": ["6", "7"]}, True),
        ({"mni": ["*"]}, True),
        ({"mni": ["07"]}, False),
        ({"poa": ["*b"]}, True),
        ({"nec": ["*"]}, False),
        ({"disr": ["true"]}, True),
        ({"disr": ["True"]}, False),
        ({"con": ["*"]}, False),
        ({"mni": ["1"], "disr": ["true"]}, True),
        ({"ty": ["3"], "lbl": ["green"]}, False),
        ({"ty": ["3"], "lbl": ["green"], "fo": ["1"]}, False),
        ({"ty": ["3"], "lbl": ["green"], "fo": ["2"]}, True),
        ({"ty": ["4"], "lbl": ["green"], "fo": ["2"]}, False),
        ({"stb": ["5"], "sts": ["6"], "ty": ["4"], "fo": ["2"]}, True),
        ({"stb": ["9"], "sts": ["10"], "ty": ["3"], "fo": ["2"]}, True),
        ({"cfs": ["1"], "cfq": ["$.a EQ 1"]}, False),
        ({"pty": ["5"]}, True),
        ({"pty": ["3"]}, False),
        ({"chty": ["9", "4"]}, True),
        ({"chty": ["9"]}, False),
        ({"palb": ["top"]}, True),
        ({"palb": ["red"]}, False),
        ({"clbl": ["blue"]}, True),
        ({"clbl": ["red"]}, False),
        ({"c.con": ["a*"]}, True),
        ({"c.mni": ["7"]}, False),
        ({"p.rn": ["cse-in"]}, True),
        ({"p.rn": ["box"]}, False),
        ({"c.rn": ["b"], "p.rn": ["x"]}, False),
    ],
)
def test_conditions_are_combined(criteria: dict[str, list[str]], fits: bool) -> None:
    assert parse_filter(criteria, NAMES).fits(BOX, Family()) is fits


@pytest.mark.parametrize(
    ("criteria", "fits"),
    [
        ({"cty": ["text/plain"]}, True),
        ({"cty": ["text/plain:0"]}, True),
        ({"cty": ["text/*"]}, True),
        ({"cty": ["application/json", "text/plain"]}, True),
        ({"cty": ["text"]}, False),
        ({"sza": ["3"], "szb": ["4"]}, True),
        ({"szb": ["3"]}, False),
        ({"sza": ["4"]}, False),
    ],
)
def test_conditions_on_instances(criteria: dict[str, list[str]], fits: bool) -> None:
    assert parse_filter(criteria, NAMES).fits(CHILDREN[0]) is fits


def test_values_of_another_kind_are_out_of_every_range() -> None:
    odd = Resource("cse-in/odd", "Capp", {"ty": 28, "cs": "much", "st": True, "ct": 5})
    for criteria in ({"sza": ["0"]}, {"szb": ["9"]}, {"stb": ["0"]}, {"sts": ["9"]}, {"cra": ["20270101T000000"]}):
        assert not parse_filter(criteria, NAMES).fits(odd)


def test_neighbours_nobody_knows_do_not_count() -> None:
    for criteria in ({"pty": ["5"]}, {"chty": ["4"]}, {"clbl": ["blue"]}, {"p.rn": ["*"]}):
        assert not parse_filter(criteria, NAMES).fits(BOX)


@pytest.mark.parametrize(
    ("criteria", "error"),
    [
        ({"nonsense": ["1"]}, BadRequest),
        ({"c.nonsense": ["1"]}, BadRequest),
        ({"ct": ["20270101T000000"]}, BadRequest),
        ({"p.lbl": ["a"]}, BadRequest),
        ({"fu": ["0"]}, BadRequest),
        ({"fu": ["1", "2"]}, BadRequest),
        ({"fu": ["3"]}, NotImplementedByThisCSE),
        ({"lim": ["-1"]}, BadRequest),
        ({"lim": ["²"]}, BadRequest),
        ({"lim": ["9" * 16]}, BadRequest),
        ({"lvl": ["0"]}, BadRequest),
        ({"ofst": ["0"]}, BadRequest),
        ({"ty": ["3", "x"]}, BadRequest),
        ({"chty": ["x"]}, BadRequest),
        ({"crb": ["now"]}, BadRequest),
        ({"szb": ["0"]}, BadRequest),
        ({"sts": ["0"]}, BadRequest),
        ({"fo": ["3"]}, BadRequest),
        ({"smf": ["x"]}, NotImplementedByThisCSE),
        ({"arp": ["a//b"]}, BadRequest),
        ({"arp": ["a?"]}, BadRequest),
        ({"lbq": ["EQ"]}, BadRequest),
        ({"cfs": ["1"]}, BadRequest),
        ({"cfq": ["$.a EQ 1"]}, BadRequest),
        ({"cfs": ["2"], "cfq": ["$.a EQ 1"]}, BadRequest),
        ({"cfq": ["$"], "cfs": ["1"]}, BadRequest),
        ({"crb": ["20270101T000000"], "cra": ["20270101T000000"]}, BadRequest),
    ],
)
def test_what_is_no_criterion_is_refused(criteria: dict[str, list[str]], error: type[CSEError]) -> None:
    with pytest.raises(error, match=next(iter(criteria))):
        parse_filter(criteria, NAMES)


def test_what_handles_the_result_is_no_condition() -> None:
    criteria = parse_filter(
        {"fu": ["1"], "fo": ["2"], "lvl": ["3"], "lim": ["0"], "ofst": ["4"], "arp": ["/../x/la"]}, NAMES
    )
    assert criteria.conditions == ()
    assert criteria.fits(BOX)
    assert criteria.discovers
    assert not criteria.demands
    assert (criteria.levels, criteria.limit, criteria.offset) == (3, 0, 4)
    assert criteria.relative_path == ("..", "x", "la")


def test_what_all_matches_have_can_be_looked_up() -> None:
    arguments = {"ty": ["3", "4"], "lbl": ["a"], "mni": ["1"]}
    criteria = parse_filter(arguments, NAMES)
    assert (criteria.types, criteria.labels) == ((3, 4), ("a",))
    criteria = parse_filter(arguments | {"fo": ["2"]}, NAMES)
    assert (criteria.types, criteria.labels) == ((), ())
    assert parse_filter({"ty": ["3"], "fo": ["2"]}, NAMES).types == (3,)


def test_the_same_part_can_be_taken_of_everything() -> None:
    criteria = parse_filter({"ty": ["4"], "lbl": ["a"], "fo": ["2"], "lim": ["5"]}, NAMES).without_conditions()
    assert criteria == parse_filter({"lim": ["5"]}, NAMES)


@given(
    st.dictionaries(
        st.sampled_from(
            ["ty", "lbl", "lbq", "crb", "szb", "cty", "mni", "c.rn", "lim", "fu", "fo", "arp", "cfs", "zz"]
        ),
        st.lists(st.text("019T aEQ*$./", max_size=16), min_size=1, max_size=3),
        max_size=5,
    )
)
def test_any_arguments_are_criteria_or_refused(arguments: dict[str, list[str]]) -> None:
    try:
        criteria = parse_filter(arguments, NAMES)
    except CSEError:
        return
    assert criteria.fits(BOX, Family()) in (True, False)
