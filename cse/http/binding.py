"""An ASGI application in front of whoever carries out requests."""

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from cse.address import Naming
from cse.config import ServerSettings
from cse.door import Carrier
from cse.errors import BadRequest, CSEError, NotAcceptable
from cse.http.answers import Answers
from cse.http.bodies import read
from cse.http.forms import Form, Forms
from cse.http.headers import read_headers
from cse.http.request import parse_request
from cse.http.stopping import Stopping
from cse.leniency import is_lenient
from cse.primitive import Content, Request, Response, error_response
from cse.security.identity import Identities
from cse.serialization.formats import Serializations
from cse.timing import Clock

LENGTHS = {"content-length", "transfer-encoding"}  # a request has a body if one of these is there (RFC 9112, 6.3)


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
        self._leniency = settings.leniency
        self._max_body_bytes = settings.max_body_bytes
        self._limits = settings.content_limits
        self._naming = naming
        self._serializations = serializations
        self._identities = identities
        self._forms = Forms(serializations)
        self._answers = Answers(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, contradiction = read_headers(scope)
        form = self._forms.of(headers)
        request = None
        try:
            with self._stopping.working:
                _require_clear(contradiction, form)
                lenient = is_lenient(self._leniency, headers.get("x-m2m-rvi"))
                content = None
                if not LENGTHS.isdisjoint(headers):
                    content = await self._content(receive, form.content_type.media_type, lenient)
                request = parse_request(scope, headers, form.content_type, content, self._naming, lenient=lenient)
                request = self._identities.admit(scope, request)
                response = await self._response(request, receive)
        except CSEError as error:
            response = error_response(error.status_code, str(error))
        except ClientDisconnect:
            return
        await self._answers.send(send, headers, form, request, response)

    async def _response(self, request: Request, receive: Receive) -> Response:
        """What waits for others is given up when the client or the server goes; everything else is carried out."""
        if not self._carrier.waits(request):
            return await self._carrier.handle(request)
        response = asyncio.create_task(self._carrier.handle(request))
        gone = asyncio.create_task(_gone(receive))
        try:
            with self._stopping.waiting:
                await asyncio.wait((response, gone), return_when=asyncio.FIRST_COMPLETED)
            if response.done():
                return response.result()
            raise ClientDisconnect
        finally:
            response.cancel()
            gone.cancel()

    async def _content(self, receive: Receive, media_type: str, lenient: bool) -> Content:
        """The decoded body, None for an empty one."""
        data = await read_body(receive, self._max_body_bytes)
        if not data:
            return None
        unnamed = lenient and not media_type
        serialization = self._serializations.default if unnamed else self._serializations.reader(media_type)
        return await read(serialization, data, self._limits)


async def read_body(receive: Receive, most: int) -> bytes:
    """The body, which must not be longer than so many bytes; BadRequest as soon as it is."""
    data = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part, goes_on = message["body"], message["more_body"]
        if len(data) + len(part) > most:
            raise BadRequest(f"the body is longer than {most} bytes (max_body_bytes): send less at once")
        if not (data or goes_on):
            return bytes(part)
        data += part
        if not goes_on:
            return bytes(data)


def _require_clear(contradiction: str, form: Form) -> None:
    """BadRequest, NotAcceptable for headers that say two things, or that nobody can answer."""
    if contradiction:
        raise BadRequest(f"header {contradiction[:40]} is sent twice with different values: send one")
    if form.refusal:
        raise NotAcceptable(form.refusal)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
