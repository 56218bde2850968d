"""What plays 10,000 HTTP devices or subscribers on one port: answers whatever it gets, and counts.

A POST gets the response that a device or a subscriber gives (OK, with the request identifier), a GET the number of
POSTs so far. `--close` closes the connection after each answer, as devices that save their memory do.
"""

import argparse
import asyncio
import socket
from typing import cast

import httptools
import uvloop

OK = b"HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nX-M2M-RVI: 3\r\nX-M2M-RI: %b\r\nContent-Length: 0\r\n%b\r\n"
NUMBER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
CLOSING = b"Connection: close\r\n"
BACKLOG = 4096


class Counter:
    """Of requests."""

    posts = 0


class Device(asyncio.Protocol):
    """One connection; the methods beginning with `on_` are httptools' callbacks."""

    def __init__(self, counter: Counter, *, close: bool) -> None:
        self._counter, self._close = counter, close
        self._parser = httptools.HttpRequestParser(self)
        self._identifier = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"x-m2m-ri":
            self._identifier = value

    def on_message_complete(self) -> None:
        if self._parser.get_method() == b"GET":
            number = b"%d" % self._counter.posts
            self._transport.write(NUMBER % (len(number), number))
            return
        self._counter.posts += 1
        self._transport.write(OK % (self._identifier, CLOSING if self._close else b""))
        if self._close:
            self._transport.close()


async def serve(*, close: bool) -> None:
    """On a free port of the loopback interface, whose address is printed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    counter = Counter()
    server = await asyncio.get_running_loop().create_server(
        lambda: Device(counter, close=close), sock=listener, backlog=BACKLOG
    )
    print("sink at http://{}:{}".format(*listener.getsockname()), flush=True)
    await server.serve_forever()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sink", description=__doc__)
    parser.add_argument("--close", action="store_true", help="close the connection after each answer")
    uvloop.run(serve(close=parser.parse_args().close))


if __name__ == "__main__":
    main()
