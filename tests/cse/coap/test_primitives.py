from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.coap import primitives
from cse.coap.message import GET, POST, PUT, CoapError, Message, Option, Type, code, decode, encode
from cse.primitive import Operation, Request, ResultContent

PATH = ("~", "id-in", "c1")
TO = "/id-in/c1"
PARAMETERS = {
    "release_version": "3",
    "originating_timestamp": "20270101T000000,000001",
    "request_expiration": "20270101T000100",
    "group_request_identifier": "id-in.7",
    "vendor_information": "v",
    "event_category": "2",
}


def request(operation: Operation = Operation.RETRIEVE, **changes: Any) -> Request:
    return replace(Request(operation, TO, "/id-in/Capp", "r-1"), **changes)


def over_the_air(sent: Request, path: tuple[str, ...] = PATH) -> Request:
    message = primitives.write(sent, path)
    return primitives.read(decode(encode(replace(message, token=b"12345678", message_id=7))))


@pytest.mark.parametrize(
    "sent",
    [
        request(Operation.CREATE, resource_type=4, content={"m2m:cin": {"con": "ä"}}),
        request(Operation.RETRIEVE, result_content=ResultContent.CHILD_REFERENCES, unstructured_identifiers=True),
        request(
            Operation.RETRIEVE, filters={"fu": ["1"], "lbl": ["a b", "c&d=e+f", "ü"]}, attribute_list=("lbl", "et")
        ),
        request(Operation.UPDATE, content={"m2m:cnt": {"mni": 3}}),
        request(Operation.DELETE, **PARAMETERS),
        request(Operation.NOTIFY, content={"m2m:sgn": {"sur": "x"}}, **PARAMETERS),
    ],
)
def test_a_request_comes_out_as_it_went_in(sent: Request) -> None:
    assert over_the_air(sent) == sent


TEXTS = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=3)


@given(st.dictionaries(st.sampled_from(["lbl", "cty", "rn"]), TEXTS))
def test_filter_criteria_may_have_any_text(filters: dict[str, list[str]]) -> None:
    assert over_the_air(request(filters=filters)).filters == filters


def test_a_tail_follows_the_fan_out_target() -> None:
    assert over_the_air(request(), (*PATH, "box", "la")).to == "/id-in/c1/box/la"


def test_neither_etag_nor_response_type_travels() -> None:
    message = primitives.write(request(), PATH)
    numbers = {number for number, _ in message.options}
    assert numbers == {Option.URI_PATH, Option.FROM, Option.REQUEST_IDENTIFIER}
    assert (message.type, message.code) == (Type.NON, GET)


def test_an_expiration_is_a_moment() -> None:
    assert primitives.expiration(request()) is None
    assert primitives.expiration(request(request_expiration="19700101T000100")) == 60.0
    with pytest.raises(CoapError):
        primitives.expiration(request(request_expiration="5000"))


GOOD = (
    *((int(Option.URI_PATH), name.encode()) for name in PATH),
    (int(Option.FROM), b"/id-in/Capp"),
    (int(Option.REQUEST_IDENTIFIER), b"r-1"),
)


@pytest.mark.parametrize(
    "message",
    [
        Message(Type.NON, GET, 1, options=GOOD[1:]),
        Message(Type.NON, GET, 1, options=(*GOOD[:2], *GOOD[3:])),
        Message(Type.NON, GET, 1, options=GOOD[:4]),
        Message(Type.NON, GET, 1, options=(*GOOD[:3], *GOOD[4:])),
        Message(Type.NON, GET, 1, options=(*GOOD, (Option.RESOURCE_TYPE, b"\x03"))),
        Message(Type.NON, code(0, 5), 1, options=GOOD),
        Message(Type.NON, code(2, 5), 1, options=GOOD),
        Message(Type.NON, GET, 1, options=(*GOOD, (Option.URI_QUERY, b"rcn=99"))),
        Message(Type.NON, GET, 1, options=(*GOOD, (Option.URI_QUERY, b"rcn=all"))),
        Message(Type.NON, GET, 1, options=(*GOOD, (Option.URI_QUERY, b"lbl="))),
        Message(Type.NON, GET, 1, options=(*GOOD, (Option.URI_PATH, b"a/b"))),
        Message(Type.NON, PUT, 1, options=(*GOOD, (Option.CONTENT_FORMAT, b"\x2a")), payload=b"x"),
        Message(Type.NON, POST, 1, options=(*GOOD, (Option.CONTENT_FORMAT, b"\x3c")), payload=b"\xff"),
    ],
)
def test_what_is_no_request_is_refused(message: Message) -> None:
    with pytest.raises(CoapError):
        primitives.read(message)
