import pytest

from cse.http.client import Answer
from cse.network import DeliveryFailed, Host
from cse.primitive import OK, Operation, Request, Response, ResponseType, ResultContent
from plugins.http_unicast.mapping import MOST_FORMS, Forms, MalformedAnswer, Message, from_answer

POA = "http://127.0.0.1:9000/in/"
METER = Host("Cmeter", (POA,))


def to_message(request: Request, host: Host, point_of_access: str) -> Message:
    return Forms().message(request, host, point_of_access)


def request(operation: Operation, to: str = "cse-in/meter", **parameters: object) -> Request:
    return Request(operation, to, "Cheadend", "r-1", release_version="3", **parameters)


def test_a_notification_goes_to_the_point_of_access_itself() -> None:
    message = to_message(request(Operation.NOTIFY, content={"m2m:sgn": {}}), METER, POA + "?ct=json&a=b")
    assert (message.method, message.url) == ("POST", POA + "?a=b")
    assert message.headers["Content-Type"] == "application/json"
    assert message.body == b'{"m2m:sgn":{}}'


def test_a_creation_names_the_type_in_its_content_type() -> None:
    message = to_message(request(Operation.CREATE, resource_type=4, content={"m2m:cin": {}}), METER, POA)
    assert (message.method, message.url) == ("POST", POA + "cse-in/meter")
    assert message.headers["Content-Type"] == "application/json;ty=4"


@pytest.mark.parametrize(
    ("to", "path"),
    [("cse/a b", "cse/a%20b"), ("/mn1/cse/x", "~/mn1/cse/x"), ("//sp.tld/mn1/cse/x", "_/sp.tld/mn1/cse/x")],
)
@pytest.mark.parametrize(
    ("operation", "method"), [(Operation.RETRIEVE, "GET"), (Operation.UPDATE, "PUT"), (Operation.DELETE, "DELETE")]
)
def test_every_address_form_has_its_path(operation: Operation, method: str, to: str, path: str) -> None:
    message = to_message(request(operation, to), METER, POA)
    assert (message.method, message.url, message.body) == (method, POA + path, None)
    assert "Content-Type" not in message.headers


def test_parameters_become_query_arguments() -> None:
    message = to_message(
        request(
            Operation.RETRIEVE,
            filters={"ty": ["3", "4"], "lbl": ["a&b"]},
            attribute_list=("ri", "lbl"),
            response_type=ResponseType.NON_BLOCKING_ASYNCH,
            notification_uris=("http://a/", "http://b/"),
            result_content=ResultContent.CHILD_REFERENCES,
            unstructured_identifiers=True,
        ),
        METER,
        POA,
    )
    assert message.url == POA + "cse-in/meter?rt=2&rcn=6&drt=2&ty=3+4&lbl=a%26b&atrl=ri+lbl"
    assert message.headers["X-M2M-RTU"] == "http://a/&http://b/"


def test_a_forwarded_request_loses_nothing() -> None:
    host = Host("/id-mn/cse-mn/grp/fopt", (POA,), cse="/id-mn", member="/id-mn/cse-mn/grp")
    message = to_message(
        request(
            Operation.RETRIEVE,
            "/id-mn/cse-mn/grp/fopt",
            group_target_members=("a", "b"),
            role_identifiers=("r1@x", "r2@x"),
            result_persistence="P1D",
            result_expiration="20270101T000000",
            execution_time="3000",
        ),
        host,
        POA,
    )
    assert message.url == POA + "~/id-mn/cse-mn/grp/fopt?rp=P1D&rids=r1%40x+r2%40x"
    headers = {"X-M2M-GTM": "a&b", "X-M2M-RST": "20270101T000000", "X-M2M-OET": "3000"}
    assert headers.items() <= message.headers.items()


def test_what_requests_have_in_common_is_kept_apart_from_that_of_others() -> None:
    forms = Forms()
    for number in range(3 * MOST_FORMS):
        one = Request(Operation.NOTIFY, "cse-in/meter", "Cheadend", f"r-{number}", content=number)
        for media_type, body in (("application/json", str(number).encode()), ("application/cbor", None)):
            message = forms.message(one, Host("Cmeter", (POA,), serializations=(media_type,)), POA)
            assert message.headers["X-M2M-RI"] == f"r-{number}"
            assert message.headers["Accept"] == media_type
            assert body in (None, message.body)


def test_a_notification_to_an_ae_of_another_cse_goes_to_its_address_there() -> None:
    host = Host("/id-mn/Cmeter", (POA,), cse="/id-mn")
    assert to_message(request(Operation.NOTIFY, "/id-mn/Cmeter"), host, POA).url == POA + "~/id-mn/Cmeter"


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/~/id-mn/cse-mn/box", "/id-mn/cse-mn/box"),
        ("/_/sp.tld/id-mn/cse-mn/box", "//sp.tld/id-mn/cse-mn/box"),
        ("/cse-mn/box", "cse-mn/box"),
        ("cse-mn/box", "cse-mn/box"),
    ],
)
def test_what_a_cse_says_beside_the_content(path: str, location: str) -> None:
    stated = {"content-location": path, "x-m2m-cts": "1", "x-m2m-cto": "7", "x-m2m-ot": "20270101T000000"}
    response = from_answer(Answer(200, {"x-m2m-rsc": "2000", "x-m2m-rst": "20270101T000001", **stated}, b""))
    expected = Response(OK, None, location, 1, 7, "20270101T000000", "20270101T000001")
    assert response == expected


@pytest.mark.parametrize(
    ("answer", "response"),
    [
        (Answer(200, {"x-m2m-rsc": "2004"}, b'{"m2m:cnt":{}}'), Response(2004, {"m2m:cnt": {}})),
        (Answer(404, {"x-m2m-rsc": "4004"}, b""), Response(4004)),
        (Answer(500, {"x-m2m-rsc": "2000"}, b""), Response(OK)),
        (Answer(200, {"x-m2m-rsc": "2000"}, None), Response(OK, content_status=1)),
        (Answer(200, {}, b"<html>"), Response(OK)),
        (Answer(202, {}, b""), Response(OK)),
        (Answer(202, {"x-m2m-rsc": "1001"}, b""), None),
        (
            Answer(200, {"x-m2m-rsc": "2000", "content-type": "application/cbor"}, b"\xa1\x61\x61\x01"),
            Response(OK, {"a": 1}),
        ),
        (Answer(200, {"x-m2m-rsc": "2000", "content-type": "Application/JSON;charset=x"}, b"[1]"), Response(OK, [1])),
        (Answer(200, {"x-m2m-rsc": "2000", "content-type": "text/html"}, b"<p>thank you"), Response(OK)),
    ],
)
def test_answers(answer: Answer, response: Response | None) -> None:
    assert from_answer(answer) == response


@pytest.mark.parametrize(
    ("suffix", "serializations", "written"),
    [
        ("", (), "json"),
        ("?ct=json", (), "json"),
        ("?ct=cbor", (), "cbor"),
        ("?a=1&ct=cbor", ("application/json",), "cbor"),
        ("?ct=unheard-of", (), "json"),
        ("", ("application/cbor",), "cbor"),
        ("", ("application/unheard-of", "application/CBOR", "application/json"), "cbor"),
        ("?ct=json", ("application/cbor",), "json"),
    ],
)
def test_content_is_written_as_the_receiver_wants_it(
    suffix: str, serializations: tuple[str, ...], written: str
) -> None:
    host = Host("Cmeter", (POA,), serializations=serializations)
    message = to_message(request(Operation.NOTIFY, content={"m2m:sgn": {}}), host, POA + suffix)
    assert "ct=" not in message.url
    assert message.headers["Content-Type"] == message.headers["Accept"] == f"application/{written}"
    assert message.body == {"json": b'{"m2m:sgn":{}}', "cbor": b"\xa1\x67m2m:sgn\xa0"}[written]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"x-m2m-rsc": "?"}, b""),
        Answer(200, {"x-m2m-rsc": "2000"}, b"{"),
        Answer(200, {"x-m2m-rsc": "2000", "x-m2m-cto": "seven"}, b""),
        Answer(200, {"x-m2m-rsc": "2000", "content-type": "application/cbor"}, b"{"),
    ],
)
def test_malformed_answers(answer: Answer) -> None:
    with pytest.raises(MalformedAnswer):
        from_answer(answer)


def test_an_error_of_a_web_server_is_no_answer_of_a_device() -> None:
    with pytest.raises(DeliveryFailed, match="HTTP status 502"):
        from_answer(Answer(502, {}, b""))
