"""An ASGI application in front of whoever carries out requests."""

import asyncio
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.types import Receive, Scope, Send

from cse.address import Naming
from cse.config import ServerSettings
from cse.door import Carrier
from cse.errors import HTTP_STATUS_BY_RESPONSE_STATUS_CODE, BadRequest, CSEError
from cse.http.bodies import read, written
from cse.http.headers import ContentType, Headers, check_headers, printable, read_headers
from cse.http.request import parse_request
from cse.http.stopping import Stopping
from cse.leniency import is_lenient
from cse.primitive import Content, Request, Response, ResponseType, error_response
from cse.security.identity import Identities
from cse.serialization.formats import Serialization, Serializations
from cse.timing import Clock, timestamp

ECHOED = ("X-M2M-RVI", "X-M2M-VSI", "X-M2M-RST", "X-M2M-EC")


class HttpBinding:
    """Takes each request through reading, carrying out and answering."""

    def __init__(
        self,
        carrier: Carrier,
        settings: ServerSettings,
        naming: Naming,
        clock: Clock,
        serializations: Serializations,
        identities: Identities,
        stopping: Stopping,
    ) -> None:
        self._stopping = stopping
        self._carrier = carrier
        self._settings = settings
        self._naming = naming
        self._clock = clock
        self._serializations = serializations
        self._identities = identities

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = read_headers(scope)
        request = None
        try:
            with self._stopping.working():
                request = await self._request(HttpRequest(scope, receive), headers)
                response = await self._response(request, receive)
        except CSEError as error:
            response = error_response(error.status_code, str(error))
        except ClientDisconnect:
            return
        http = await self._render(headers, request, response)
        await http(scope, receive, send)

    async def _response(self, request: Request, receive: Receive) -> Response:
        """What waits for others is given up when the client or the server goes; everything else is carried out."""
        if not self._carrier.waits(request):
            return await self._carrier.handle(request)
        response = asyncio.create_task(self._carrier.handle(request))
        gone = asyncio.ensure_future(receive())
        try:
            with self._stopping.waiting():
                await asyncio.wait((response, gone), return_when=asyncio.FIRST_COMPLETED)
            if response.done():
                return response.result()
            raise ClientDisconnect
        finally:
            response.cancel()
            gone.cancel()

    async def _request(self, http: HttpRequest, headers: Headers) -> Request:
        """The primitive in an HTTP request; raises CSEError."""
        check_headers(http.scope)
        self._serializations.accepted(headers.get("accept", ""), self._serializations.default)
        lenient = is_lenient(self._settings.leniency, headers.get("x-m2m-rvi"))
        content_type = ContentType.parse(headers.get("content-type", ""))
        content = await self._content(http, content_type, lenient)
        request = parse_request(http.scope, headers, content_type, content, self._naming, lenient=lenient)
        return self._identities.admit(http.scope, request)

    async def _content(self, http: HttpRequest, content_type: ContentType, lenient: bool) -> Any:
        """The decoded body, None for an empty one."""
        data = await read_body(http, self._settings.max_body_bytes)
        if not data:
            return None
        if lenient and not content_type.media_type:
            serialization = self._serializations.default
        else:
            serialization = self._serializations.reader(content_type.media_type)
        return await read(serialization, data, self._settings.content_limits)

    async def _render(self, headers: Headers, request: Request | None, response: Response) -> HttpResponse:
        if request is not None and request.response_type is ResponseType.NO_RESPONSE:
            return HttpResponse(b"", 204, {"X-M2M-RI": printable(request.request_identifier)})
        status = HTTP_STATUS_BY_RESPONSE_STATUS_CODE.get(response.status_code, 500)
        out = {
            "X-M2M-RSC": str(response.status_code),
            "X-M2M-RI": printable(request.request_identifier if request else headers.get("x-m2m-ri", "")),
            "X-M2M-OT": printable(response.originating_timestamp or timestamp(self._clock.now())),
        }
        out |= {name: printable(headers[name.lower()]) for name in ECHOED if name.lower() in headers}
        if response.result_expiration is not None:
            out["X-M2M-RST"] = printable(response.result_expiration)
        if response.location is not None:
            out["Content-Location"] = _content_location(response.location, response.content)
        if response.content_status is not None:
            out["X-M2M-CTS"] = str(response.content_status)
            if response.content_offset is not None:
                out["X-M2M-CTO"] = str(response.content_offset)
        serialization, media_type = self._answer_type(headers)
        body = b"" if response.content is None else await written(serialization, response.content)
        return HttpResponse(body, status, out | {"Content-Type": media_type})

    def _answer_type(self, headers: Headers) -> tuple[Serialization, str]:
        """By Accept, else as the request was written, else the default: an error is explained in any case."""
        serializations = self._serializations
        named = serializations.named(ContentType.parse(headers.get("content-type", "")).media_type)
        try:
            return serializations.accepted(headers.get("accept", ""), named or serializations.default)
        except CSEError:
            return serializations.default, serializations.default.media_type


def _content_location(location: str, content: Content) -> str:
    """The URI as the content has it (TS-0009 clause 6.4.4); where it has none, one that a client can follow."""
    if isinstance(content, dict) and isinstance(uri := content.get("m2m:uri") or _uri(content.get("m2m:rce")), str):
        return printable(uri)
    return printable(f"/~{location}" if location.startswith("/") else f"/{location}")


def _uri(resource: Content) -> Content:
    return resource.get("uri") if isinstance(resource, dict) else None


async def read_body(http: HttpRequest, most: int) -> bytes:
    """The body, which must not be longer than so many bytes; BadRequest as soon as it is."""
    data = bytearray()
    async for chunk in http.stream():
        data += chunk
        if len(data) > most:
            raise BadRequest(f"the body is longer than {most} bytes (max_body_bytes): send less at once")
    return bytes(data)
