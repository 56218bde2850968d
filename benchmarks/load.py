"""Requests as bytes, and a client for single ones. Whole loads of them are sent by `benchmarks.driver`."""

import asyncio
import itertools
import random
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, cast

import httptools
import orjson

JSON = "application/json"
NUMBER = "<number>"
SEED = 6
NO_HEADERS: Mapping[str, str] = {}


class LoadError(Exception):
    """A server that answered otherwise than it should; the message says how."""


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int


class Answer(NamedTuple):
    """A response of HTTP."""

    status: int
    body: bytes


class Requests:
    """The same request over and over, each with a request identifier of its own.

    `headers` are further ones, or others than those that every request has.
    """

    _numbers = itertools.count(secrets.randbits(40) << 30)  # no other process, and no later run, has the same ones

    def __init__(
        self,
        method: str,
        path: str,
        originator: str,
        content: Any = None,
        *,
        ty: int | None = None,
        status: int = 200,
        headers: Mapping[str, str] = NO_HEADERS,
        media_type: str = JSON,
    ) -> None:
        self._body = b"" if content is None else orjson.dumps(content)
        own = {"Host": "benchmark", "Accept": media_type, "X-M2M-Origin": originator, "X-M2M-RVI": "3"}
        own |= {"Content-Type": media_type if ty is None else f"{media_type};ty={ty}"}
        own |= {"Content-Length": str(len(self._body)), **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in own.items())]
        self._head = "\r\n".join(lines).replace("%", "%%").encode() + b"\r\nX-M2M-RI: benchmark-%d\r\n\r\n"
        self.name, self.status = f"{method} {path}", status

    def __next__(self) -> bytes:
        return self._head % next(self._numbers) + self._body

    def __iter__(self) -> Iterator[bytes]:
        return self

    def check(self, status: int, answer: bytes) -> None:
        """LoadError if the status of an answer is not the expected one."""
        if status != self.status:
            raise LoadError(f"{self.name} was answered with {status}: {answer[:500].decode(errors='replace')}")


class Scattered(Requests):
    """The same request to many places at random: `NUMBER` in it becomes a number below `count`."""

    def __init__(self, requests: Requests, count: int) -> None:
        self._head, self._body = requests._head.replace(NUMBER.encode(), b"%d"), requests._body
        self.name, self.status = requests.name, requests.status
        self._random, self._count = random.Random(SEED).random, count

    def __next__(self) -> bytes:
        return self._head % (int(self._random() * self._count), next(self._numbers)) + self._body


class Connection(asyncio.Protocol):
    """One connection of a client; the methods beginning with `on_` are httptools' callbacks."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._answer: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(LoadError(f"the server closed the connection: {error or 'no reason given'}"))

    def on_body(self, part: bytes) -> None:
        self._body += part

    def on_message_complete(self) -> None:
        answer = Answer(self._parser.get_status_code(), bytes(self._body))
        self._body.clear()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    async def send(self, requests: Requests) -> Answer:
        """One request and its answer; LoadError if the status is not the expected one."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(next(requests))
        answer = await self._answer
        requests.check(*answer)
        return answer


@asynccontextmanager
async def connections(address: Address, count: int) -> AsyncIterator[list[Connection]]:
    """So many connections to one server."""
    loop = asyncio.get_running_loop()
    opened = [(await loop.create_connection(Connection, *address))[1] for _ in range(count)]
    try:
        yield opened
    finally:
        for connection in opened:
            connection.transport.close()


async def once(address: Address, requests: Requests) -> Any:
    """The content of one answer, None for an empty one."""
    async with connections(address, 1) as (connection,):
        answer = await connection.send(requests)
    return orjson.loads(answer.body) if answer.body else None
