import math
from typing import Any

import pytest

from cse import attributes as kinds
from cse.attributes import NP, Attribute, DataType, M, O, check_create, check_update, table
from cse.errors import BadRequest, NotImplementedByThisCSE

TABLE = table(
    Attribute("ri", "resourceID", kinds.IDENTIFIER, NP, NP, required=True),
    (
        Attribute("api", "App-ID", kinds.TEXT, M, NP, required=True),
        Attribute("rr", "requestReachability", kinds.BOOLEAN, M, O, required=True),
        Attribute("cr", "creator", kinds.IDENTIFIER, O, NP),
    ),
    kinds.EXPIRATION,
    Attribute("mni", "maxNrOfInstances", kinds.NON_NEGATIVE, O, O),
    Attribute("at", "announceTo", kinds.list_of(kinds.IDENTIFIER), O, O, needs="announcement"),
)
CONTENT = {"api": "N.x", "rr": True}
POINT = kinds.record(x=kinds.NON_NEGATIVE, label_=kinds.TEXT)


@pytest.mark.parametrize(
    ("kind", "accepted", "refused"),
    [
        (kinds.TEXT, ["", "a", "\u0000"], [None, 1, [], {}, True]),
        (kinds.IDENTIFIER, ["a"], ["", 1, None]),
        (kinds.BOOLEAN, [True, False], [0, 1, "true", None]),
        (kinds.NON_NEGATIVE, [0, 1, 2**64], [-1, True, 1.0, "1", None]),
        (kinds.POSITIVE, [1, 2**64], [0, True, 1.5]),
        (kinds.INTEGER, [-(2**63), 0, 2**63 - 1], [2**63, 1.0, True, "1", None]),
        (kinds.NUMBER, [-1.5, 0, 7, 1e300], [math.nan, math.inf, 2**63, True, "1.5", None]),
        (kinds.within(kinds.INTEGER, 0, 100), [0, 100], [-1, 101, 1.0, True]),
        (kinds.within(kinds.NUMBER, -math.inf, 1.5), [-9, 1.5], [1.6, math.nan]),
        (kinds.one_of("on", "off"), ["on"], ["", 1, None, ["on"]]),
        (kinds.either(kinds.one_of(0), kinds.TEXT), [0, "a"], [1, None]),
        (kinds.TIMESTAMP, ["20260102T101500", "20260102T101500,123"], ["", "2026", "20261301T000000", 20260102, None]),
        (kinds.MOMENT, ["20260102T101500,5", "1500", "-7"], ["", "now", "20261301T000000", 1500, None]),
        (kinds.DURATION, ["PT15M", "P1DT2H"], ["", "P", "15", 15, None]),
        (kinds.OBJECT, [{}, {"a": 1}], [[], "{}", None]),
        (kinds.ANYTHING, [0, "", False, [], {}], [None]),
        (kinds.list_of(kinds.TEXT), [["a"], ["", ""]], [[], "a", [1], [None], {"a": 1}, None]),
        (kinds.list_of(kinds.TEXT, may_be_empty=True), [[], ["a"]], [[1], None]),
        (kinds.one_of(1, 3), [1, 3], [2, True, 1.0, "1"]),
        (POINT, [{"x": 1}, {"x": 1, "label": "a"}], [{}, {"label": "a"}, {"x": -1}, {"x": 1, "y": 1}, [1], None]),
    ],
)
def test_a_data_type_accepts_its_values_and_no_others(kind: DataType, accepted: list[Any], refused: list[Any]) -> None:
    assert [value for value in accepted if not kind.accepts(value)] == []
    assert [value for value in refused if kind.accepts(value)] == []


def test_what_a_type_is_can_be_read() -> None:
    assert kinds.list_of(kinds.POSITIVE).description == "a list in which each item is an integer of 1 or more"
    assert POINT.description == "an object with x (an integer of 0 or more), label (a string)"


def test_a_complete_content_passes() -> None:
    check_create(TABLE, CONTENT)
    check_create(TABLE, CONTENT | {"mni": 0, "cr": None})
    check_update(TABLE, {"rr": False, "mni": None, "et": None})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"rr": True}, ["api", "App-ID", "mandatory"]),
        (CONTENT | {"ri": "x"}, ["ri", "resourceID", "set by the CSE"]),
        (CONTENT | {"mni": -1}, ["mni", "maxNrOfInstances", "an integer of 0 or more"]),
        (CONTENT | {"mni": None}, ["mni", "null"]),
        (CONTENT | {"unknown" * 20: 1}, ["unknownunknown", "remove"]),
    ],
)
def test_a_create_that_does_not_fit_is_refused(content: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(BadRequest) as caught:
        check_create(TABLE, content)
    assert [word for word in words if word not in str(caught.value)] == []
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, ["at least one"]),
        ({"api": "N.y"}, ["api", "set by the CSE"]),
        ({"rr": None}, ["rr", "can't be deleted"]),
        ({"rr": "yes"}, ["rr", "true or false"]),
        ({"cr": None}, ["cr"]),
    ],
)
def test_an_update_that_does_not_fit_is_refused(content: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(BadRequest) as caught:
        check_update(TABLE, content)
    assert [word for word in words if word not in str(caught.value)] == []


def test_a_known_attribute_of_a_missing_feature_is_not_implemented() -> None:
    for check, content in ((check_create, CONTENT | {"at": ["/x"]}), (check_update, {"at": None})):
        with pytest.raises(NotImplementedByThisCSE, match="announcement"):
            check(TABLE, content)
