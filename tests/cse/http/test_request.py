from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.address import Naming
from cse.errors import BadRequest, CSEError, NotImplementedByThisCSE, OperationNotAllowed
from cse.http.address import ALWAYS_SPLIT, address_of, parse_query
from cse.http.headers import ContentType
from cse.http.request import parse_request
from cse.primitive import Operation, Request, ResponseType, ResultContent

HEADERS = {"x-m2m-origin": "Capp", "x-m2m-ri": "r1", "x-m2m-rvi": "3"}
NAMING = Naming("/id-in", "cse-in", "cse.example")

arguments = st.text(min_size=1, max_size=20).filter(lambda text: not any("\ud800" <= sign <= "\udfff" for sign in text))
names = arguments.filter(lambda name: name not in ALWAYS_SPLIT)  # hypothesis tries what stands in the code
queries = st.dictionaries(names, st.lists(arguments, min_size=1, max_size=4), max_size=4)


def request(
    method: str = "GET",
    path: str = "/cse-in",
    query: str = "",
    content: Any = None,
    lenient: bool = False,
    **headers: Any,
) -> Request:
    scope = {"method": method, "raw_path": path.encode(), "query_string": query.encode()}
    given_headers = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    content_type = ContentType.parse(given_headers.get("content-type", ""))
    return parse_request(scope, given_headers, content_type, content, NAMING, lenient=lenient)


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
        ("GET", "", {"x_m2m_ri": ""}, BadRequest),
        ("GET", "rt=9", {}, BadRequest),
        ("GET", "rcn=x", {}, BadRequest),
        ("GET", "drt=1+2", {}, BadRequest),
        ("GET", "sqi=1", {}, NotImplementedByThisCSE),
        ("GET", "", {"x_m2m_as": "signed"}, NotImplementedByThisCSE),
        ("PUT", "", {"content_type": "application/json;ty=3"}, BadRequest),
    ],
)
def test_what_cannot_be_carried_out_is_refused(
    method: str, query: str, headers: dict[str, Any], error: type[CSEError]
) -> None:
    with pytest.raises(error):
        request(method, query=query, **headers)


def test_no_targets_and_no_list_of_targets_differ() -> None:
    assert request().notification_uris is None
    assert request(x_m2m_rtu="").notification_uris == ()


def test_every_parameter_has_its_place() -> None:
    found = request(query="rids=a+b&da=false&tqi=0&atrl=rn&c.lbl=x&p.ty=5&lbq=a&arp=la", x_m2m_oet="PT5S")
    assert found.role_identifiers == ("a", "b")
    assert found.execution_time == "PT5S"
    assert found.attribute_list == ("rn",)
    assert found.filters == {"c.lbl": ["x"], "p.ty": ["5"], "lbq": ["a"], "arp": ["la"]}


@pytest.mark.parametrize("query", ["da=true", "tqi=1", "asi=true", "auri=1", "sqi=true", "tids=a", "ltids=a+b"])
def test_features_that_are_not_there_are_named(query: str) -> None:
    with pytest.raises(NotImplementedByThisCSE, match=query.partition("=")[0]):
        request(query=query)


@pytest.mark.parametrize(
    ("header", "good", "bad"),
    [
        ("X-M2M-EC", ["2", "3", "4", "100", "999"], ["0", "1", "5", "99", "1000", "x", "", "²"]),
        ("X-M2M-OT", ["20260102T101500", "20260102T101500,123456"], ["", "now", "60000", "20261302T000000"]),
        ("X-M2M-RET", ["20260102T101500", "60000", "-1", "PT5S"], ["", "soon", "1.5.2", "P"]),
        ("X-M2M-RST", ["20260102T101500", "60000", "PT5S"], ["", "soon", "²"]),
        ("X-M2M-OET", ["20260102T101500", "0", "PT5S"], ["", "soon", "-"]),
    ],
)
def test_parameters_in_headers_must_be_well_formed(header: str, good: list[str], bad: list[str]) -> None:
    def stated(text: str) -> Request:
        headers: dict[str, Any] = {header.lower().replace("-", "_"): text}
        return request(**headers)

    for text in good:
        assert text in [getattr(stated(text), name) for name in Request.__slots__]
    for text in bad:
        with pytest.raises(BadRequest, match=header):
            stated(text)


@pytest.mark.parametrize("query", ["rp=soon", "da=maybe", "da=true+false", "rt=6", "rcn=1+2", "tqi=2"])
def test_arguments_must_be_well_formed(query: str) -> None:
    with pytest.raises(BadRequest, match=query.partition("=")[0]):
        request(query=query)


def test_an_old_client_may_leave_out_and_add() -> None:
    old = request("PUT", "/cse-in/app/", lenient=True, x_m2m_ri="", x_m2m_ot="yesterday", content_type="x/y; ty=3")
    assert old.lenient
    assert old.to == "cse-in/app"
    assert old.request_identifier
    assert old.originating_timestamp is None


@pytest.mark.parametrize(
    ("path", "to", "attributes"),
    [
        ("/cnt9%23lbl", "cnt9", ("lbl",)),
        ("/cse-in/app%23rr?", "cse-in/app", ("rr",)),
        ("/~/id-in/cse-in%23csi", "/id-in/cse-in", ("csi",)),
    ],
)
def test_a_fragment_names_one_attribute(path: str, to: str, attributes: tuple[str, ...]) -> None:
    found = request(path=path)
    assert (found.to, found.attribute_list) == (to, attributes)


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/cnt9%23lbl"), ("PUT", "/cnt9%23lbl"), ("GET", "/cnt9%23")])
def test_a_fragment_goes_with_retrieve(method: str, path: str) -> None:
    with pytest.raises(BadRequest, match="RETRIEVE"):
        request(method, path)


@pytest.mark.parametrize(
    ("path", "strict", "lenient"),
    [
        ("/~/id-in", "/id-in", "/id-in"),
        ("/~/id-in/cse-in/app", "/id-in/cse-in/app", "/id-in/cse-in/app"),
        ("/~/cse-in/app", "/cse-in/app", "cse-in/app"),
        ("/~/cnt4f", "/cnt4f", "cnt4f"),
        ("/~/cse-other/base/x", "/cse-other/base/x", "/cse-other/base/x"),
        ("/~cse-in/app", "~cse-in/app", "cse-in/app"),
        ("/~id-in/cse-in/app", "~id-in/cse-in/app", "/id-in/cse-in/app"),
        ("//cse-in", "/cse-in", "cse-in"),
        ("//id-in/cse-in", "/id-in/cse-in", "/id-in/cse-in"),
        ("/_/cse.example/id-in/cse-in", "//cse.example/id-in/cse-in", "//cse.example/id-in/cse-in"),
        ("/-/app", "-/app", "-/app"),
        ("/", "-", "-"),
    ],
)
def test_signs_of_a_scope_that_is_not_there_are_overlooked(path: str, strict: str, lenient: str) -> None:
    assert request(path=path).to == strict
    assert request(path=path, lenient=True).to == lenient


def test_a_target_that_is_no_path_is_refused() -> None:
    with pytest.raises(BadRequest, match="slash"):
        request("DELETE", path="*")


@pytest.mark.parametrize("path", ["/cse-in/", "/~/id-in/cse-in/", "//", "/cse-in/app//"])
def test_a_slash_at_the_end_is_overlooked_or_refused(path: str) -> None:
    assert not request(path=path, lenient=True).to.endswith("/")
    with pytest.raises(BadRequest, match="slash"):
        request(path=path)


@pytest.mark.parametrize("query", ["ty=2+3+4", "ty=2%2B3%2B4", "ty=2%203%204", "ty=2&ty=3+4"])
def test_lists_of_numbers_may_be_joined_in_any_way(query: str) -> None:
    assert parse_query(query.encode()) == {"ty": ["2", "3", "4"]}


def test_a_label_may_have_a_blank_and_a_plus() -> None:
    assert parse_query(b"lbl=a%20b+c%2Bd") == {"lbl": ["a b", "c+d"]}


def test_the_sender_is_the_client_of_the_connection() -> None:
    scope = {"method": "GET", "raw_path": b"/cse-in", "query_string": b"", "client": ("192.0.2.1", 7)}
    found = parse_request(scope, HEADERS, ContentType.parse(""), None, NAMING, lenient=False)
    assert found.sender == "192.0.2.1"
