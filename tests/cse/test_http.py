from contextlib import suppress
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.errors import BadRequest, CSEError, NotAcceptable, NotImplementedByThisCSE, OperationNotAllowed
from cse.http import address_of, parse_json, parse_query, parse_request
from cse.primitive import Operation, Request, ResponseType, ResultContent

HEADERS = {"x-m2m-origin": "Capp", "x-m2m-ri": "r1", "x-m2m-rvi": "3"}

arguments = st.text(min_size=1, max_size=20).filter(lambda text: not any("\ud800" <= sign <= "\udfff" for sign in text))
queries = st.dictionaries(arguments, st.lists(arguments, min_size=1, max_size=4), max_size=4)


def request(
    method: str = "GET", path: str = "/cse-in", query: str = "", content: Any = None, **headers: str
) -> Request:
    given_headers = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    return parse_request(method, path, query.encode(), given_headers, content)


@given(queries)
def test_a_query_is_read_however_its_lists_are_written(query: dict[str, list[str]]) -> None:
    encoded = {quote(name, safe=""): [quote(value, safe="") for value in values] for name, values in query.items()}
    joined = "&".join(f"{name}={'+'.join(values)}" for name, values in encoded.items())
    repeated = "&".join(f"{name}={value}" for name, values in encoded.items() for value in values)
    assert parse_query(joined.encode()) == parse_query(repeated.encode()) == query


@given(st.binary(max_size=60))
def test_any_bytes_are_a_query_or_refused(query: bytes) -> None:
    try:
        found = parse_query(query)
    except BadRequest:
        return
    assert all(values and all(values) for values in found.values())


@given(st.lists(arguments.filter(lambda text: "/" not in text), min_size=1, max_size=5))
def test_the_path_is_the_address(segments: list[str]) -> None:
    path = "/" + "/".join(quote(segment, safe="~") for segment in segments)
    expected = "/".join(segments)
    if segments[0] in ("~", "_"):
        expected = "/" * (1 if segments[0] == "~" else 2) + "/".join(segments[1:])
    assert address_of(path) == expected


@given(st.text(st.characters(max_codepoint=255), max_size=40))
def test_any_path_is_an_address_or_refused(path: str) -> None:
    with suppress(BadRequest):
        assert address_of("/" + path)


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/", "-"),
        ("/cse-in/app", "cse-in/app"),
        ("/~/id-in/cse-in", "/id-in/cse-in"),
        ("/_/cse.example/id-in", "//cse.example/id-in"),
        ("/a/~/b", "a/~/b"),
        ("/%7E/id-in", "/id-in"),
    ],
)
def test_scopes_have_a_sign_at_the_beginning(path: str, address: str) -> None:
    assert address_of(path) == address


def test_a_whole_request_is_read() -> None:
    found = request(
        "POST",
        "/cse-in/app",
        "rt=2&rcn=3&rp=5000",
        {"m2m:cnt": {}},
        content_type="application/json; charset=utf-8; TY=3",
        x_m2m_rtu="http://127.0.0.1/a&Cb",
        x_m2m_ret="60000",
        x_m2m_rst="90000",
        x_m2m_ot="20260102T101500",
        x_m2m_ec="2",
        x_m2m_gid="g1",
        x_m2m_vsi="mine",
    )
    assert found == Request(
        Operation.CREATE,
        "cse-in/app",
        "Capp",
        "r1",
        resource_type=3,
        content={"m2m:cnt": {}},
        response_type=ResponseType.NON_BLOCKING_ASYNCH,
        notification_uris=("http://127.0.0.1/a", "Cb"),
        result_content=ResultContent.HIERARCHICAL_ADDRESS_AND_ATTRIBUTES,
        release_version="3",
        originating_timestamp="20260102T101500",
        request_expiration="60000",
        result_expiration="90000",
        result_persistence="5000",
        event_category="2",
        group_request_identifier="g1",
        vendor_information="mine",
    )


def test_what_is_no_parameter_is_a_criterion() -> None:
    found = request(query="fu=1&ty=2+3&lbl=a&atrl=ri+rn&drt=2&grtm=Ca+Cb")
    assert found.filters == {"fu": ["1"], "ty": ["2", "3"], "lbl": ["a"]}
    assert found.attribute_list == ("ri", "rn")
    assert found.unstructured_identifiers
    assert found.group_target_members == ("Ca", "Cb")


@pytest.mark.parametrize(
    ("method", "content_type", "operation"),
    [
        ("GET", "", Operation.RETRIEVE),
        ("PUT", "application/json", Operation.UPDATE),
        ("DELETE", "", Operation.DELETE),
        ("POST", "application/json;ty=4", Operation.CREATE),
        ("POST", "application/json", Operation.NOTIFY),
    ],
)
def test_the_method_is_the_operation(method: str, content_type: str, operation: Operation) -> None:
    assert request(method, content_type=content_type).operation is operation


@pytest.mark.parametrize(
    ("method", "query", "headers", "error"),
    [
        ("PATCH", "", {}, OperationNotAllowed),
        ("GET", "", {"accept": "application/xml"}, NotAcceptable),
        ("GET", "", {"x_m2m_ri": ""}, BadRequest),
        ("GET", "rt=9", {}, BadRequest),
        ("GET", "rcn=x", {}, BadRequest),
        ("GET", "drt=1+2", {}, BadRequest),
        ("GET", "sqi=1", {}, NotImplementedByThisCSE),
        ("GET", "", {"x_m2m_oet": "1000"}, NotImplementedByThisCSE),
        ("PUT", "", {"content_type": "application/json;ty=3"}, BadRequest),
    ],
)
def test_what_cannot_be_carried_out_is_refused(
    method: str, query: str, headers: dict[str, str], error: type[CSEError]
) -> None:
    with pytest.raises(error):
        request(method, query=query, **headers)


def test_no_targets_and_no_list_of_targets_differ() -> None:
    assert request().notification_uris is None
    assert request(x_m2m_rtu="").notification_uris == ()


@given(
    st.recursive(
        st.integers(0, 9) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=10,
    )
)
def test_json_comes_through(document: Any) -> None:
    assert parse_json(orjson.dumps(document), 250) == document


@given(st.binary(max_size=40))
def test_any_bytes_are_json_or_refused(data: bytes) -> None:
    with suppress(BadRequest):
        assert orjson.dumps(parse_json(data, 32))


@pytest.mark.parametrize("levels", [1, 2, 31, 32, 33, 300, 2000])
def test_nesting_has_a_limit(levels: int) -> None:
    data = b'{"a":' * levels + b"1" + b"}" * levels
    if levels <= 32:
        assert parse_json(data, 32)
    else:
        with pytest.raises(BadRequest):
            parse_json(data, 32)
