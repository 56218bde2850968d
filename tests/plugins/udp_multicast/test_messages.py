import math
from dataclasses import replace

import pytest

from cse.coap.content import CBOR, write
from cse.coap.message import DELETE, POST, CoapError, Message, Option, Type, code, decode, encode
from cse.coap.target import Endpoint, Target, path_to
from cse.primitive import OK, Response, error_response
from plugins.udp_multicast.messages import Membership, answer, device_request, read_answer, read_request
from tests.plugins.udp_multicast.kit import device_request as request

TARGET = Target(Endpoint("239.192.0.1", 5683), path_to("/id-in", "g01"), ("Ca", "Cb"))
DEADLINE = 1_800_000_060.0
MEMBERSHIP = Membership("/id-in", "Cmeter7", "239.192.0.1:5683", "g01", 2.5)


def sent(message: Message) -> Message:
    return decode(encode(message))


def test_the_options_of_a_device_request() -> None:
    message = sent(device_request(request(group_request_identifier="gid-1"), TARGET, DEADLINE))
    assert (message.type, message.code) == (Type.NON, POST)
    assert message.texts(Option.URI_PATH) == ["~", "id-in", "g01"]
    assert message.texts(Option.URI_QUERY) == ["except=Ca+Cb"]
    assert message.number(Option.CONTENT_FORMAT) == 60
    assert message.text(Option.FROM) == "Cheadend"
    assert message.text(Option.REQUEST_IDENTIFIER) == "r-1"
    assert message.text(Option.ORIGINATING_TIMESTAMP) == "20270115T080000,000000"
    assert message.text(Option.REQUEST_EXPIRATION) == "20270115T080100"
    assert message.text(Option.RELEASE_VERSION) == "3"
    assert message.text(Option.GROUP_REQUEST_IDENTIFIER) == "gid-1"
    assert message.values(Option.RESOURCE_TYPE) == []
    assert message.payload == write(request().content)


def test_option_numbers_are_those_of_the_standard() -> None:
    numbers = {number for number, _ in device_request(request(group_request_identifier="g"), TARGET, DEADLINE).options}
    assert numbers == {11, 12, 15, 259, 271, 279, 283, 291, 311}


def test_a_device_reads_what_was_written() -> None:
    read = read_request(sent(device_request(request(), TARGET, DEADLINE)))
    assert read.path == TARGET.path
    assert read.exclusions == TARGET.exclusions
    assert (read.request_identifier, read.originator) == ("r-1", "Cheadend")
    assert read.content == request().content
    assert read.resource_type is None


def test_a_request_may_be_valid_for_ever() -> None:
    assert device_request(request(), TARGET, math.inf).text(Option.REQUEST_EXPIRATION) is None


def test_parameters_that_are_missing_are_not_sent() -> None:
    bare = request(content=None, originating_timestamp=None, release_version=None)
    numbers = {number for number, _ in device_request(bare, Target(TARGET.endpoint, TARGET.path), DEADLINE).options}
    assert numbers == {11, 279, 283, 291}


@pytest.mark.parametrize("identifier", ["", "x" * 256])
def test_parameters_that_do_not_fit_an_option(identifier: str) -> None:
    with pytest.raises(CoapError, match="REQUEST_IDENTIFIER must have 1 to 255 bytes"):
        device_request(request(identifier), TARGET, DEADLINE)


@pytest.mark.parametrize(
    ("response", "coap_code"),
    [
        (Response(OK, {"m2m:cin": {"con": "x"}}), code(2, 4)),
        (Response(2001), code(2, 1)),
        (error_response(4004, "no such thing"), code(4, 4)),
        (error_response(4015, "no"), code(4, 15)),
        (error_response(5216, "cannot join"), code(5, 0)),
        (error_response(4999, "odd"), code(4, 0)),
    ],
)
def test_an_answer_is_read_as_it_was_written(response: Response, coap_code: int) -> None:
    message = sent(answer(response, "r-1", "Cmeter7"))
    assert message.code == coap_code
    assert read_answer(message) == ("r-1", "Cmeter7", response)


@pytest.mark.parametrize(
    ("coap_code", "status"), [(code(2, 1), 2001), (code(2, 5), 2000), (code(4, 4), 4004), (code(4, 6), 4000)]
)
def test_the_status_of_a_device_that_does_not_speak_onem2m(coap_code: int, status: int) -> None:
    read = read_answer(Message(Type.NON, coap_code, 1))
    assert read == (None, None, Response(status))


def test_a_diagnostic_message_is_kept() -> None:
    read = read_answer(Message(Type.NON, code(4, 4), 1, b"", (), b"who?"))
    assert read.response == error_response(4004, "who?")


@pytest.mark.parametrize(
    "message",
    [
        Message(Type.NON, code(2, 4), 1, b"", (), b"text without format"),
        Message(Type.NON, code(2, 4), 1, b"", ((Option.CONTENT_FORMAT, bytes((CBOR,))),), b"\xff"),
        Message(Type.NON, code(2, 4), 1, b"", ((Option.RESPONSE_STATUS_CODE, b"\x01"),)),
        Message(Type.NON, code(2, 4), 1, b"", ((Option.FROM, b"\xff"),)),
    ],
)
def test_answers_that_are_none(message: Message) -> None:
    with pytest.raises(CoapError):
        read_answer(message)


def test_a_request_without_identifier_is_none() -> None:
    with pytest.raises(CoapError, match="request identifier"):
        read_request(Message(Type.NON, POST, 1))


def test_a_response_is_no_request() -> None:
    with pytest.raises(CoapError, match="not a request"):
        read_request(answer(Response(OK), "r", "C"))


def test_joining() -> None:
    message = sent(MEMBERSHIP.join("setup-1", 1_800_000_000.0))
    assert (message.type, message.code) == (Type.CON, POST)
    assert message.number(Option.RESOURCE_TYPE) == 45
    assert message.texts(Option.URI_PATH) == ["~", "id-in", "Cmeter7"]
    assert message.text(Option.FROM) == "/id-in"
    read = read_request(message)
    assert read.content == {
        "m2m:lmg": {"mad": "239.192.0.1:5683", "mgft": "/id-in/g01", "mli": ["Cmeter7"], "rstw": "PT2.5S"}
    }
    assert Membership.read(read) == MEMBERSHIP


def test_leaving() -> None:
    message = sent(MEMBERSHIP.leave("setup-2", 1_800_000_000.0))
    assert (message.type, message.code, message.payload) == (Type.CON, DELETE, b"")
    assert message.texts(Option.URI_PATH) == ["~", "id-in", "Cmeter7", "g01"]


@pytest.mark.parametrize(
    "content",
    [None, [], {"m2m:lmg": {"mad": "239.192.0.1:5683"}}, {"m2m:lmg": {**MEMBERSHIP.content["m2m:lmg"], "rstw": "5"}}],
)
def test_memberships_that_say_too_little(content: object) -> None:
    read = read_request(replace(MEMBERSHIP.join("s", 0.0), payload=write(content)))
    with pytest.raises(CoapError, match="m2m:lmg"):
        Membership.read(read)
