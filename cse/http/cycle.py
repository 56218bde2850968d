"""uvicorn's cycle of a request and its response, with a short way for responses that come as a whole."""

from typing import Any

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

FIELD = b": ".join
FRAMING = {b"connection", b"transfer-encoding"}


class Cycle(RequestResponseCycle):
    """The beginning of a response waits for its body: if that is all of it, both are sent at once.

    Everything else (large or in parts, on connections that end, to clients that do not read) goes uvicorn's way.
    """

    _start: Any = None

    async def send(self, message: Any) -> None:
        """Called by the application with the messages of ASGI."""
        if message["type"] == "http.response.start" and not self.response_started:
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            body = message.get("body", b"")
            head = None if message.get("more_body") else self._head(start, body)
            if head is not None:
                self._send_whole(head + body)
                return
            await super().send(start)
        await super().send(message)

    def _head(self, start: Any, body: bytes) -> bytes | None:
        """The head of the response if it is one that is sent at once, and that uvicorn would leave as it is."""
        if len(body) > HIGH_WATER_LIMIT or not self.keep_alive or self.disconnected or self.flow.write_paused:
            return None
        headers = dict(start["headers"])
        whole = headers.get(b"content-length") == b"%d" % len(body) and FRAMING.isdisjoint(headers)
        if not whole or self.scope["method"] == "HEAD" or self.access_log:
            return None
        lines = [*map(FIELD, self.default_headers), *map(FIELD, start["headers"])]
        head = STATUS_LINE[start["status"]] + b"\r\n".join(lines) + b"\r\n\r\n"
        return head if head.count(b"\n") == head.count(b"\r") == len(lines) + 2 else None

    def _send_whole(self, response: bytes) -> None:
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(response)
        self.message_event.set()
        self.on_response()
