"""A load generator that costs little itself: keep-alive connections, each with one request under way."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, cast

import httptools
import orjson

WARM_UP = 0.1  # of the seconds that are counted, before them
HEAD = (
    "{method} {path} HTTP/1.1\r\nHost: benchmark\r\nAccept: application/json\r\nX-M2M-Origin: {originator}\r\n"
    "X-M2M-RI: benchmark-%d\r\nX-M2M-RVI: 3\r\nContent-Type: application/json{type}\r\nContent-Length: {length}\r\n"
    "{more}\r\n"
)


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
    """The same request over and over, each with a request identifier of its own."""

    _numbers = itertools.count()

    def __init__(
        self,
        method: str,
        path: str,
        originator: str,
        content: Any = None,
        *,
        ty: int | None = None,
        status: int = 200,
        headers: Sequence[str] = (),
    ) -> None:
        body = b"" if content is None else orjson.dumps(content)
        head = HEAD.format(
            method=method,
            path=path.replace("%", "%%"),
            originator=originator,
            type="" if ty is None else f";ty={ty}",
            length=len(body),
            more="".join(f"{header}\r\n" for header in headers),
        )
        self._head, self._body = head.encode(), body
        self.name, self.status = f"{method} {path}", status

    def __next__(self) -> bytes:
        return self._head % next(self._numbers) + self._body

    def __iter__(self) -> Iterator[bytes]:
        return self


class Rotating(Requests):
    """Several requests in turn, of which the same status is expected."""

    def __init__(self, requests: Sequence[Requests]) -> None:
        self._turns = itertools.cycle(requests)
        self.name, self.status = f"{requests[0].name} and others", requests[0].status

    def __next__(self) -> bytes:
        return next(next(self._turns))


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
        if answer.status != requests.status:
            raise LoadError(f"{requests.name} was answered with {answer.status}: {answer.body[:300].decode()}")
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


async def throughput(address: Address, requests: Requests, count: int, seconds: float) -> float:
    """Requests per second that `count` connections get answered."""
    clock = asyncio.get_running_loop().time
    begin = clock() + seconds * WARM_UP
    end = begin + seconds

    async def drive(connection: Connection) -> int:
        answered = 0
        while (now := clock()) < end:
            await connection.send(requests)
            answered += now >= begin
        return answered

    async with connections(address, count) as opened, asyncio.TaskGroup() as group:
        tasks = [group.create_task(drive(connection)) for connection in opened]
    return sum(task.result() for task in tasks) / (clock() - begin)


async def once(address: Address, requests: Requests) -> Any:
    """The content of one answer, None for an empty one."""
    async with connections(address, 1) as (connection,):
        answer = await connection.send(requests)
    return orjson.loads(answer.body) if answer.body else None


async def for_each(address: Address, make: Callable[[int], Requests], count: int, parallel: int = 16) -> None:
    """`count` different requests, `parallel` of them at a time."""
    numbers = iter(range(count))

    async def drive(connection: Connection) -> None:
        for number in numbers:
            await connection.send(make(number))

    async with connections(address, parallel) as opened, asyncio.TaskGroup() as group:
        for connection in opened:
            group.create_task(drive(connection))
