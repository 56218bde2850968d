from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.address import Naming
from cse.attributes import (
    BOOLEAN,
    CREATOR,
    IDENTIFIER,
    LABELS,
    NON_NEGATIVE,
    OBJECT,
    TEXT,
    TIMESTAMP,
    Attribute,
    DataType,
    M,
    O,
    list_of,
    meant,
    one_of,
    record,
    table,
)
from cse.leniency import is_lenient, plain_address, put_right
from tests.cse.serialization.documents import documents

NAMING = Naming("/id-in", "cse-in", "cse.example")
TABLE = table(
    LABELS,
    CREATOR,
    Attribute("rr", "requestReachability", BOOLEAN, M, O),
    Attribute("mid", "memberIDs", list_of(IDENTIFIER, may_be_empty=True), M, O),
)


@pytest.mark.parametrize(
    ("setting", "release", "lenient"),
    [
        ("by-release", None, True),
        ("by-release", "2a", False),
        ("by-release", "", False),
        ("always", "4", True),
        ("never", None, False),
    ],
)
def test_who_is_read_leniently(setting: str, release: str | None, lenient: bool) -> None:
    assert is_lenient(setting, release) is lenient


@pytest.mark.parametrize(
    ("kind", "written", "read"),
    [
        (BOOLEAN, "true", True),
        (BOOLEAN, "False", False),
        (BOOLEAN, "yes", "yes"),
        (BOOLEAN, 1, 1),
        (NON_NEGATIVE, "5", 5),
        (NON_NEGATIVE, "-5", -5),
        (NON_NEGATIVE, "5.0", "5.0"),
        (NON_NEGATIVE, "²", "²"),
        (NON_NEGATIVE, "9" * 30, "9" * 30),
        (one_of(1, 2), "2", 2),
        (TEXT, 5, 5),
        (TEXT, "5", "5"),
        (TIMESTAMP, "now", "now"),
        (OBJECT, "x", "x"),
        (list_of(TEXT), "a b", ["a b"]),
        (list_of(TEXT), ["a"], ["a"]),
        (list_of(NON_NEGATIVE), "3", [3]),
        (list_of(NON_NEGATIVE), 3, [3]),
        (list_of(NON_NEGATIVE), ["3", 4], [3, 4]),
        (LABELS.type, [" a  b ", "c"], ["a b", "c"]),
        (
            record(net_=list_of(one_of(1, 3)), num=NON_NEGATIVE),
            {"net": 3, "num": "1", "x": "1"},
            {"net": [3], "num": 1, "x": "1"},
        ),
        (record(net_=TEXT), "x", "x"),
        (list_of(TEXT), None, None),
    ],
)
def test_what_old_clients_mean(kind: DataType, written: Any, read: Any) -> None:
    assert meant(kind, written) == read


@pytest.mark.parametrize("kind", [BOOLEAN, NON_NEGATIVE, LABELS.type, list_of(record(a_=BOOLEAN)), TEXT])
@given(document=documents)
def test_what_is_right_stays_and_everything_is_put_right_once(kind: DataType, document: Any) -> None:
    found = meant(kind, document)
    assert meant(kind, found) == found
    if kind.accepts(document):
        assert found == document


def test_nothing_is_left_out_of_a_creation_where_it_is_no_value() -> None:
    content = {"lbl": [], "rr": None, "mid": [], "cr": None, "unknown": None}
    assert put_right(TABLE, content, creating=True) == {"mid": [], "cr": None, "unknown": None}
    assert put_right(TABLE, content, creating=False) == content


def test_values_are_put_right() -> None:
    content = {"lbl": "a", "rr": "true", "mid": "Cmeter", "unknown": "true"}
    expected = {"lbl": ["a"], "rr": True, "mid": ["Cmeter"], "unknown": "true"}
    assert put_right(TABLE, content, creating=True) == expected


@given(st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,3}", fullmatch=True))
def test_addresses_that_are_right_stay(path: str) -> None:
    for address in (path, f"/id-in/{path}", f"//cse.example/id-in/{path}", f"/id-mn/{path}"):
        assert plain_address(address, NAMING) == address
