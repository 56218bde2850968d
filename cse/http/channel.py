"""One connection to a server: one request at a time, and its answer."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MOST_HEAD = 65_536  # bytes of an answer besides its body
MOST_FRAMING = 8  # bytes of a chunked body for each byte of the body itself
INTERIM = range(100, 200)


class Answer(NamedTuple):
    """An HTTP response. The names of its headers are in lower case; of several with one name it is the first.

    `body` is None when it is larger than wanted, b"" when nobody wants it.
    """

    status: int
    headers: dict[str, str]
    body: bytes | None


class NoAnswer(Exception):
    """A request has been sent, and no complete answer has come; `begun` says that a part of one has."""

    def __init__(self, sentence: str, *, begun: bool = False) -> None:
        super().__init__(sentence)
        self.begun = begun


class Channel(asyncio.Protocol):
    """`lost` is called when the connection has ended."""

    def __init__(self, lost: Callable[["Channel"], None]) -> None:
        self._lost = lost
        self._parser = HttpResponseParser(self)
        self._asking: asyncio.Future[Answer] | None = None
        self._headers: dict[str, str] = {}
        self._status = 0
        self._stays = True

    @property
    def is_free(self) -> bool:
        """Whether another request may be sent."""
        return self._stays and self._asking is None and not self._transport.is_closing()

    def ask(self, message: bytes, most: int, essential: str) -> asyncio.Future[Answer]:
        """Send a request; the answer to it, or NoAnswer. Only if it has the header `essential` its body matters."""
        self._most, self._essential = most, essential
        self._body = bytearray()
        self._received = self._status = 0
        self._asking = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return self._asking

    def expire(self) -> None:
        """It has taken too long."""
        self._fail("it took too long")

    def close(self) -> None:
        """Nobody wants it any more."""
        self._stays = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._asking is None:
            self.close()  # nobody has asked
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(f"it is no HTTP: {error}")
        else:
            self._bound()

    def eof_received(self) -> None:
        """An answer that does not say how long it is ends here."""
        lengths = {"content-length", "transfer-encoding"}
        if self._asking is not None and self._status and lengths.isdisjoint(self._headers):
            self._stays = False
            self._answer(bytes(self._body))
        else:
            self._fail("the connection was closed")

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"the connection was lost{f': {error}' if error else ''}")
        self._lost(self)

    def on_message_begin(self) -> None:
        self._headers, self._status = {}, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._status:  # else it is behind the body
            self._headers.setdefault(name.decode("latin-1").lower(), value.decode(errors="surrogateescape"))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        self._status = 0 if status in INTERIM else status

    def on_body(self, body: bytes) -> None:
        if len(self._body) <= self._most:
            self._body += body

    def on_message_complete(self) -> None:
        if self._status:
            self._stays &= self._parser.should_keep_alive()
            self._answer(bytes(self._body) if len(self._body) <= self._most else None)

    def _bound(self) -> None:
        """Read no more than it must."""
        if self._asking is None:
            return
        if self._status and self._essential and self._essential not in self._headers:
            self._answer(b"")
            self.close()
        elif len(self._body) > self._most:
            self._answer(None)
            self.close()
        elif self._received - len(self._body) > MOST_HEAD + MOST_FRAMING * len(self._body):
            self._fail(f"its head has more than {MOST_HEAD} bytes")

    def _answer(self, body: bytes | None) -> None:
        asking, self._asking = self._asking, None
        if asking is not None and not asking.done():
            asking.set_result(Answer(self._status, self._headers, body))

    def _fail(self, sentence: str) -> None:
        asking, self._asking = self._asking, None
        if asking is not None and not asking.done():
            asking.set_exception(NoAnswer(sentence, begun=self._received > 0))
        self.close()
