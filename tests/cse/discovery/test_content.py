import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.discovery.content import parse_content_query
from cse.errors import BadRequest

METER = {"kind": "gas", "serial number": 'A"7', "readings": [{"value": 3}, {"value": 7.5}], "on": True, "none": None}


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ('$.kind EQ "gas"', True),
        ("$.kind EQ gas", True),
        ("$.kind NE gas", False),
        ('$.kind MATCH "as"', True),
        ("$.kind GT 5", False),
        ("$.readings[0].value EQ 3", True),
        ("$.readings[0].value GE 3", True),
        ("$.readings[0].value GT 3", False),
        ("$.readings[1].value LE 7.5", True),
        ("$.readings[1].value LT 7.5", False),
        ("$.readings[2].value NE 1", False),
        ("$.readings[0] EQ 3", False),
        ("$.readings.value EQ 3", False),
        ("$.kind[0] EQ g", False),
        ("$.on EQ true", True),
        ("$.on EQ 1", False),
        ("$.on GE 0", False),
        ("$.none EQ null", True),
        ("$.nothing EQ null", False),
        ("$.nothing NE 1", False),
        ('$."serial number" EQ "A\\"7"', True),
        ("$.kind EQ gas AND $.readings[0].value EQ 4", False),
        ("$.kind EQ gas OR $.readings[0].value EQ 4", True),
        ("$.kind EQ oil AND $.on EQ true OR $.readings[0].value EQ 3", True),
        ("$.readings[0].value EQ 3 OR $.on EQ true AND $.kind EQ oil", True),
    ],
)
def test_comparisons_are_made_in_the_content(query: str, fits: bool) -> None:
    assert parse_content_query(query)({"con": json.dumps(METER), "cnf": "application/json:0"}) is fits
    assert parse_content_query(query)({"con": METER}) is fits


def test_the_whole_content_can_be_compared() -> None:
    query = parse_content_query("$ GT 20")
    assert [query({"con": content}) for content in ("21", 21, "19", "warm", None)] == [True, True, False, False, False]
    assert not query({})


def test_only_json_has_members() -> None:
    query = parse_content_query("$.a NE 1")
    text = '{"a": 2}'
    assert query({"con": text})
    assert query({"con": text, "cnf": "application/vnd.meter+json:0"})
    assert not query({"con": text, "cnf": "text/plain:0"})
    assert not query({"con": "{"})


@pytest.mark.parametrize(
    "query",
    [
        "",
        "$",
        "$.a",
        "$.a EQ",
        "a EQ 1",
        "$a EQ 1",
        "$.a IS 1",
        "$.a EQ 1 AND",
        '$.a EQ "1',
        "$.a EQ 1 $.b EQ 2",
        "$.a[x] EQ 1",
        "$..a EQ 1",
        "$[*] EQ 1",
        " OR ".join(["$.a EQ 1"] * 21),
    ],
)
def test_what_is_no_query_is_refused(query: str) -> None:
    with pytest.raises(BadRequest, match="cfq"):
        parse_content_query(query)


@given(
    st.dictionaries(st.sampled_from(["a", "b c", "$", "x.y"]), st.integers(-5, 5), min_size=1),
    st.sampled_from(["EQ", "NE", "GT", "LT", "GE", "LE"]),
    st.integers(-5, 5),
    st.data(),
)
def test_numbers_are_compared(members: dict[str, int], operator: str, wanted: int, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(members)))
    value = members[name]
    expected = {
        "EQ": value == wanted,
        "NE": value != wanted,
        "GT": value > wanted,
        "LT": value < wanted,
        "GE": value >= wanted,
        "LE": value <= wanted,
    }
    content: dict[str, Any] = {"con": [members]}
    assert parse_content_query(f'$[0]."{name}" {operator} {wanted}')(content) is expected[operator]


@given(st.text('$.[]"\\0a EQANDOR', max_size=40))
def test_any_text_is_a_query_or_refused(text: str) -> None:
    try:
        query = parse_content_query(text)
    except BadRequest:
        return
    assert query({"con": METER}) in (True, False)
