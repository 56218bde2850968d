"""One connection of a client: uvicorn's protocol, which has no limits for how much of a request comes, and how slowly.

Its timers are those of the event loop, as uvicorn's own are.
"""

import asyncio
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import unquote

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from cse.config import ServerSettings
from cse.http.cycle import Cycle
from cse.http.deadline import Deadline
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
        self._waiting = True  # for the rest of a request, not longer than the deadline
        self._under_way: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, CERTIFICATE: peer_certificate(transport.get_extra_info("ssl_object"))}
        shortest = min(self.settings.receive_timeout, self.timeout_keep_alive)
        self._deadline = Deadline(self.loop, shortest, self._end_waiting)
        self._deadline.set(self.settings.receive_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """uvicorn tells the last request only, and one before it would be answered over a transport that is closed."""
        self._deadline.stop()
        super().connection_lost(exc)
        for cycle in (self._under_way, *(cycle for cycle, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        super().data_received(data)
        if not self._receiving or self.transport.is_closing():
            return
        if self._head > self.settings.max_head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif not self._waiting:
            self._wait_for_rest()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0
        self._receiving = True

    def on_headers_complete(self) -> None:
        """What uvicorn does, with our cycle; there are neither websockets nor a path to be mounted under."""
        previous = self.cycle
        keep_alive = self._complete_scope() != "1.0" and self.parser.should_keep_alive()
        self.cycle = Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )
        if previous is None or previous.response_complete:
            self._start_asgi_task(self.cycle, self._application())
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self._application()))

    def _complete_scope(self) -> str:
        """The version of HTTP, which is in the scope as well now."""
        version = self.parser.get_http_version()
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope = self.scope
        scope["http_version"] = version
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        return version

    def _application(self) -> ASGI3Application:
        """The one that says so if there are too many connections."""
        if self.limit_concurrency and max(len(self.connections), len(self.tasks)) >= self.limit_concurrency:
            self.logger.warning("Exceeded concurrency limit.")
            return service_unavailable
        return cast(ASGI3Application, self.app)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._under_way = cycle
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        self._head -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._receiving = self._waiting = False
        self._deadline.clear()

    def on_response_complete(self) -> None:
        """What uvicorn does, but for the deadline."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self._receiving:
            self._deadline.set(self.timeout_keep_alive)

    def _wait_for_rest(self) -> None:
        self._waiting = True
        self._deadline.set(self.settings.receive_timeout)

    def _end_waiting(self) -> None:
        """Not while requests wait for the one before them: then nothing more is read, and the client can't help it."""
        if not self._receiving:
            self.timeout_keep_alive_handler()
        elif self.pipeline:
            self._wait_for_rest()
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
