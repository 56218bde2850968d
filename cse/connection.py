"""One connection of a client: uvicorn's protocol, which has no limits for how much of a request comes, and how slowly.

Its timers are those of the event loop, as uvicorn's own are.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from cse.config import ServerSettings
from cse.security.identity import CERTIFICATE
from cse.security.tls import peer_certificate


class Connection(HttpToolsProtocol):
    """Puts the verified certificate of the client, or None, into the state of each request.

    A request whose head has more than `max_head_bytes`, or that has not come as a whole after `receive_timeout`
    seconds, ends the connection. What frames a body (the sizes of chunks, trailers) counts as head.
    """

    settings: ServerSettings

    def __init__(self, *options: Any, **named: Any) -> None:
        super().__init__(*options, **named)
        self._head = 0
        self._receiving = True
        self._timer: asyncio.TimerHandle | None = None
        self._unanswered: list[RequestResponseCycle] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, CERTIFICATE: peer_certificate(transport.get_extra_info("ssl_object"))}
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """uvicorn tells the last request only, and one before it would be answered over a transport that is closed."""
        self._stop_watching()
        super().connection_lost(exc)
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._receiving and self._head > self.settings.max_head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._receiving and self._timer is None:
            self._watch()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0
        self._receiving = True

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._unanswered = [cycle for cycle in (*self._unanswered, self.cycle) if not cycle.response_complete]

    def on_body(self, body: bytes) -> None:
        self._head -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._receiving = False
        self._stop_watching()

    def _watch(self) -> None:
        self._timer = self.loop.call_later(self.settings.receive_timeout, self._lose_patience)

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _lose_patience(self) -> None:
        """Not while requests wait for the one before them: then nothing more is read, and the client can't help it."""
        if self.pipeline:
            self._watch()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        """An answer would be taken for that to another request if one is under way."""
        if self.cycle is None or self.cycle.response_complete:
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode())
        self.transport.close()


def connections(settings: ServerSettings) -> type[Connection]:
    """The protocol of a server with these settings."""
    return type("BoundedConnection", (Connection,), {"settings": settings})
