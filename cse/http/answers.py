"""A response as an HTTP response: status, headers and body (TS-0009 clauses 6.3 and 6.4)."""

from starlette.types import Send

from cse.errors import HTTP_STATUS_BY_RESPONSE_STATUS_CODE
from cse.http.bodies import written
from cse.http.forms import Form
from cse.http.headers import Headers, printable
from cse.pieces import Pieces
from cse.primitive import Content, Request, Response, ResponseType
from cse.serialization.formats import JSON
from cse.slices import in_slices
from cse.timing import Clock, timestamp

ECHOED = {name: name.encode() for name in ("x-m2m-rvi", "x-m2m-vsi", "x-m2m-rst", "x-m2m-ec")}


class Answers:
    """Sends the answers to requests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = -1
        self._timestamp = b""

    async def send(self, send: Send, headers: Headers, form: Form, request: Request | None, response: Response) -> None:
        """Answer a request with these headers; None for one that can't be read, and the response says why."""
        if request is not None and request.response_type is ResponseType.NO_RESPONSE:
            body: bytes | Pieces = b""
            status, named = 204, {b"x-m2m-ri": printable(request.request_identifier)}
        else:
            ready = response.json if form.serialization is JSON else None
            body = await _body(form, response) if ready is None else ready
            status = HTTP_STATUS_BY_RESPONSE_STATUS_CODE.get(response.status_code, 500)
            named = self._headers(headers, request, response)
            named |= {b"content-type": form.media_type, b"content-length": b"%d" % len(body)}
        await send({"type": "http.response.start", "status": status, "headers": list(named.items())})
        if isinstance(body, Pieces):
            await _send_pieces(send, body)
        else:
            await send({"type": "http.response.body", "body": body})

    def _headers(self, headers: Headers, request: Request | None, response: Response) -> dict[bytes, bytes]:
        """What a response says of itself, and what the request has said that is said again."""
        found = {
            b"x-m2m-rsc": b"%d" % response.status_code,
            b"x-m2m-ri": printable(request.request_identifier if request else headers.get("x-m2m-ri", "")),
            b"x-m2m-ot": printable(response.originating_timestamp) if response.originating_timestamp else self._now(),
        }
        for name, key in ECHOED.items():
            if name in headers:
                found[key] = printable(headers[name])
        if response.result_expiration is not None:
            found[b"x-m2m-rst"] = printable(response.result_expiration)
        if response.location is not None:
            found[b"content-location"] = _content_location(response.location, response.content)
        if response.content_status is not None:
            found[b"x-m2m-cts"] = b"%d" % response.content_status
            if response.content_offset is not None:
                found[b"x-m2m-cto"] = b"%d" % response.content_offset
        return found

    def _now(self) -> bytes:
        """The timestamp of this second, which is written once."""
        second = int(self._clock.now())
        if second != self._second:
            self._second, self._timestamp = second, timestamp(second).encode()
        return self._timestamp


async def _send_pieces(send: Send, body: Pieces) -> None:
    """Others have their turn between them, whether the client is slow or not."""
    async for text in in_slices(body.texts, 1):
        await send({"type": "http.response.body", "body": text, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _body(form: Form, response: Response) -> bytes | Pieces:
    return b"" if response.content is None else await written(form.serialization, response.content)


def _content_location(location: str, content: Content) -> bytes:
    """The URI as the content has it (TS-0009 clause 6.4.4); where it has none, one that a client can follow."""
    if isinstance(content, dict) and isinstance(uri := content.get("m2m:uri") or _uri(content.get("m2m:rce")), str):
        return printable(uri)
    return printable(f"/~{location}" if location.startswith("/") else f"/{location}")


def _uri(resource: Content) -> Content:
    return resource.get("uri") if isinstance(resource, dict) else None
