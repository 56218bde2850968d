"""What leaves as an answer."""

from typing import Any

import cbor2

from cse.http.answers import Answers
from cse.http.forms import Form, Forms
from cse.primitive import Operation, Request, Response, ResponseType
from cse.serialization.formats import CBOR, JSON, Serializations
from cse.testing.clock import ManualClock

FORMS = Forms(Serializations([JSON, CBOR]))
ASKED = Request(Operation.RETRIEVE, "cse-in", "Capp", "r\n1", release_version="3")
CONTENT = {"m2m:cnt": {"rn": "box"}}


class Sent:
    """A client, and what it has been sent."""

    def __init__(self, clock: ManualClock | None = None) -> None:
        self._answers = Answers(clock or ManualClock(0.0))
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers, self.body = message["status"], dict(message["headers"]), b""
        self.body += message.get("body", b"")

    async def answer(self, response: Response, request: Request | None = ASKED, **stated: str) -> "Sent":
        headers = {name.replace("_", "-"): value for name, value in stated.items()}
        await self._answers.send(self._send, headers, FORMS.of(headers), request, response)
        return self


async def test_content_that_somebody_has_as_json_is_sent_so_and_in_another_form_written() -> None:
    response = Response(2000, CONTENT, json=b'{ "ready": 1 }')
    assert (await Sent().answer(response)).body == b'{ "ready": 1 }'
    sent = await Sent().answer(response, accept="application/cbor")
    assert cbor2.loads(sent.body) == CONTENT
    assert sent.headers[b"content-type"] == b"application/cbor"


async def test_the_length_is_that_of_the_body() -> None:
    for response in (Response(2000, CONTENT), Response(2000), Response(4004, {"m2m:dbg": "no"})):
        sent = await Sent().answer(response)
        assert sent.headers[b"content-length"] == str(len(sent.body)).encode()


async def test_the_timestamp_follows_the_clock() -> None:
    clock = ManualClock(0.0)
    sent = Sent(clock)
    stamps = []
    for _ in range(3):
        stamps.append((await sent.answer(Response(2000))).headers[b"x-m2m-ot"])
        await clock.advance(0.6)
    assert stamps == [b"19700101T000000", b"19700101T000000", b"19700101T000001"]
    elsewhere = await sent.answer(Response(2000, originating_timestamp="20260102T101500"))
    assert elsewhere.headers[b"x-m2m-ot"] == b"20260102T101500"


async def test_what_was_stated_is_said_again_without_control_characters() -> None:
    response = Response(2000, result_expiration="20260102T101500")
    sent = await Sent().answer(response, x_m2m_rvi="3", x_m2m_vsi="a\x01b", x_m2m_rst="5000", x_m2m_ri="other")
    assert sent.headers[b"x-m2m-ri"] == b"r1"
    assert (sent.headers[b"x-m2m-rvi"], sent.headers[b"x-m2m-vsi"]) == (b"3", b"ab")
    assert sent.headers[b"x-m2m-rst"] == b"20260102T101500"


async def test_who_wants_no_response_gets_none() -> None:
    sent = await Sent().answer(Response(2000, CONTENT), ASKED.derive(response_type=ResponseType.NO_RESPONSE))
    assert (sent.status, sent.headers, sent.body) == (204, {b"x-m2m-ri": b"r1"}, b"")


async def test_a_request_that_can_not_be_read_is_answered_by_its_headers() -> None:
    sent = await Sent().answer(Response(4000, {"m2m:dbg": "no"}), None, x_m2m_ri="7")
    assert (sent.status, sent.headers[b"x-m2m-ri"]) == (400, b"7")


def test_forms_are_the_same_however_long_the_headers_are() -> None:
    long = {"accept": "text/html," * 100 + "application/cbor", "content-type": "application/json;ty=3"}
    short = {"accept": "application/cbor", "content-type": "application/json;ty=3"}
    assert FORMS.of(long) == FORMS.of(short) == FORMS.of(dict(short))
    assert FORMS.of({"accept": "text/html"}).refusal
    assert isinstance(FORMS.of({}), Form)
