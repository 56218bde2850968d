"""Devices and web servers for the tests, on real sockets."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

HANG_UP = b""


@dataclass
class RawServer:
    """Answers every HTTP request with the bytes that `respond` gives (none: the connection is closed).

    It closes the connection after one answer, unless `closes` is false. `requests` are the heads and bodies that came,
    `most_at_once` how many were under way at the same time. Of `connections` so many are `open`. With `ignores_next` it
    closes the next connection that something comes in on, instead of reading it.
    """

    respond: Callable[[bytes], bytes | Awaitable[bytes]]
    closes: bool = True
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    ignores_next: bool = False
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    most_at_once: int = 0
    _under_way: int = 0

    async def __aenter__(self) -> "RawServer":
        self._server = await asyncio.start_server(self._serve, self.host, 0, ssl=self.tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    def url(self, path: str = "/meter") -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while answer := await self._answer(reader):
                writer.write(answer)
                await writer.drain()
                if self.closes:
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        if self.ignores_next:
            self.ignores_next = False
            return HANG_UP
        length = header(head, "Content-Length")
        request = head + await reader.readexactly(int(length or 0))
        self.requests.append(request)
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            answer = self.respond(request)
            return answer if isinstance(answer, bytes) else await answer
        finally:
            self._under_way -= 1


def header(head: bytes, name: str) -> str | None:
    """The value of a header of an HTTP message."""
    for line in head.split(b"\r\n\r\n")[0].decode().split("\r\n")[1:]:
        key, _, value = line.partition(": ")
        if key.lower() == name.lower():
            return value
    return None


def http(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """An HTTP response."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])
