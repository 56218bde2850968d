import math
import tracemalloc
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.primitive import (
    Operation,
    Request,
    Response,
    ResponseType,
    ResultContent,
    error_response,
    is_content,
    kept,
    nests_deeper,
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
texts = st.text(max_size=10)
requests = st.builds(
    Request,
    operation=st.sampled_from(Operation),
    to=texts,
    originator=texts,
    request_identifier=texts,
    resource_type=st.none() | st.integers(0, 99),
    content=json_values,
    response_type=st.sampled_from(ResponseType),
    notification_uris=st.none() | st.lists(texts).map(tuple),
    result_content=st.none() | st.sampled_from(ResultContent),
    filters=st.dictionaries(texts, st.lists(texts, min_size=1)),
    attribute_list=st.lists(texts).map(tuple),
    unstructured_identifiers=st.booleans(),
    release_version=st.none() | texts,
    originating_timestamp=st.none() | texts,
    request_expiration=st.none() | texts,
    result_expiration=st.none() | texts,
    result_persistence=st.none() | texts,
    execution_time=st.none() | texts,
    event_category=st.none() | texts,
    group_request_identifier=st.none() | texts,
    group_target_members=st.lists(texts).map(tuple),
    vendor_information=st.none() | texts,
    role_identifiers=st.lists(texts).map(tuple),
    sender=texts,
    authenticated=st.booleans(),
    lenient=st.booleans(),
)


@given(requests)
def test_a_request_survives_being_stored(request: Request) -> None:
    again = Request.from_json(request.to_json())
    assert again == request
    assert type(again.operation) is Operation
    assert type(again.response_type) is ResponseType


@given(requests)
def test_a_primitive_says_what_is_there(request: Request) -> None:
    primitive = request.as_primitive()
    assert orjson.loads(orjson.dumps(primitive)) == primitive
    assert {"op", "to", "fr", "rqi"} <= primitive.keys()
    assert None not in primitive.values()
    assert (primitive.get("ty"), primitive.get("ot")) == (request.resource_type, request.originating_timestamp)


def test_a_primitive_has_everything_in_its_form() -> None:
    request = Request(
        Operation.RETRIEVE,
        "/id-mn/-",
        "Capp",
        "r1",
        response_type=ResponseType.NON_BLOCKING_ASYNCH,
        notification_uris=("http://a/",),
        filters={
            "fu": ["1"],
            "ty": ["3", "4"],
            "lbl": ["a", "b"],
            "lim": ["x"],
            "cra": ["20270101T000000"],
            "rn": ["b"],
        },
        attribute_list=("ri", "lbl"),
        unstructured_identifiers=True,
        group_target_members=("a",),
        role_identifiers=("r@x",),
    )
    primitive = request.as_primitive()
    criteria = {"fu": 1, "ty": [3, 4], "lbl": ["a", "b"], "lim": "x", "cra": "20270101T000000"}
    assert primitive["fc"] == criteria | {"atr": [{"nm": "rn", "val": "b"}]}
    assert (primitive["rt"], primitive["pc"]) == ({"rtv": 2, "nu": ["http://a/"]}, {"m2m:atrl": ["ri", "lbl"]})
    assert (primitive["drt"], primitive["grtm"], primitive["rids"]) == (2, ["a"], ["r@x"])
    plain = Request(Operation.RETRIEVE, "-", "Capp", "r1").as_primitive()
    assert plain == {"op": 2, "to": "-", "fr": "Capp", "rqi": "r1"}


@given(requests, texts)
def test_a_derived_request_differs_in_what_was_changed(request: Request, to: str) -> None:
    derived = request.derive(to=to)
    assert derived.to == to
    assert derived.derive(to=request.to) == request


def depth(value: Any) -> int:
    """How many lists and objects are in each other; empty ones have nothing in them and do not count."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, items)) if items else 0


@given(json_values, st.integers(0, 5))
def test_nesting_is_counted(value: Any, levels: int) -> None:
    assert nests_deeper(value, levels) is (depth(value) > levels)
    assert is_content(value, 100)


@pytest.mark.parametrize("value", [object(), {1, 2}, {"a": b"bytes"}, [[[[1]]]], {"a": math.nan}, math.inf])
def test_what_json_cannot_express_or_nests_too_deeply_is_no_content(value: Any) -> None:
    assert not is_content(value, 3)


def test_only_2000_and_above_is_success() -> None:
    assert [code for code in (1000, 2000, 2004, 4000, 5103) if Response(code).succeeded] == [2000, 2004]
    assert error_response(4004, "nothing there") == Response(4004, {"m2m:dbg": "nothing there"})


def test_what_is_kept_of_a_content_takes_no_more_than_it_must() -> None:
    tracemalloc.start()
    try:
        answers = [kept({"m2m:cin": {"con": str(number)}}) for number in range(100)]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 200 * len(answers)
    assert kept(None) == b""


@given(requests, texts)
def test_a_derived_request_differs_in_what_was_changed_only(request: Request, text: str) -> None:
    before = request.to_json()
    derived = request.derive(to=text)
    assert derived.to == text
    assert derived.derive(to=request.to) == request
    assert request.to_json() == before


def test_what_is_no_parameter_can_not_be_changed() -> None:
    with pytest.raises(AttributeError):
        Request(Operation.RETRIEVE, "cse-in", "C", "1").derive(target="x")
