"""How much of a request may come, and how slowly: over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.servers import PATIENCE, Running, serving

GET = b"GET /cse-in HTTP/1.1\r\nHost: x\r\nX-M2M-Origin: CAdmin\r\nX-M2M-RI: 1\r\nX-M2M-RVI: 3\r\n"
POST = GET.replace(b"GET", b"POST") + b"Content-Type: application/json;ty=3\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
LAST = b"Connection: close\r\n\r\n"
SOON = 0.05


@asynccontextmanager
async def connected(cse: Running) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", cse.port)
        yield reader, writer
        writer.close()


async def answers(cse: Running, sent: bytes) -> bytes:
    """What comes back until the server closes the connection."""
    async with connected(cse) as (reader, writer):
        writer.write(sent)
        return await reader.read()


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"GET /", b"a" * 1000),
        (b"GET /cse-in?lbl=", b"a" * 1000),
        (GET + b"X-Long: ", b"a" * 1000),
        (GET, b"X-Many: 1\r\n" * 100),
        (CHUNKED, b"1\r\n \r\n" * 100),
        (CHUNKED + b"1;", b"a" * 1000),
        (CHUNKED + b"0\r\nX-Trailer: ", b"a" * 1000),
    ],
)
async def test_a_head_without_end_ends_the_connection(start: bytes, more: bytes) -> None:
    async with serving(max_head_bytes=10_000) as cse, connected(cse) as (_, writer):
        with suppress(ConnectionError):  # the server does not wait for the rest
            while True:
                writer.write(start)
                start = more
                await writer.drain()
                await asyncio.sleep(0)
        assert (await cse.client.get("/cse-in")).rsc == 2000


async def test_a_head_that_is_too_long_is_refused_as_such() -> None:
    async with serving(max_head_bytes=100) as cse, connected(cse) as (reader, writer):
        writer.write(b"GET /")
        await asyncio.sleep(SOON)
        writer.write(b"a" * 200)
        assert (await reader.read()).startswith(b"HTTP/1.1 431 ")


async def test_content_is_no_head() -> None:
    async with serving(max_head_bytes=1000) as cse:
        await cse.client.create("/cse-in", 3, {"m2m:cnt": {"rn": "box"}})
        for _ in range(3):
            assert (await cse.client.create("/cse-in/box", 4, {"m2m:cin": {"con": "x" * 300_000}})).rsc == 2001


@pytest.mark.parametrize("start", [b"", b"G", GET, CHUNKED + b"5\r\n{", POST + b"Content-Length: 9\r\n\r\n{"])
async def test_a_request_that_does_not_come_to_its_end_ends_the_connection(start: bytes) -> None:
    async with serving(receive_timeout=SOON) as cse:
        before = await cse.snapshot()
        answer = await answers(cse, start)
        assert answer.startswith(b"HTTP/1.1 408 ") or b"{" in start
        assert await cse.snapshot() == before


async def test_requests_one_behind_the_other_are_answered_in_turn() -> None:
    """The second one has no part in it that the first one takes longer than a request may take to come."""
    later = f"X-M2M-OET: {int(SOON * 3000)}\r\n\r\n".encode()
    body = b'{"m2m:cnt": {"rn": "box"}}'
    second = POST + f"Content-Length: {len(body)}\r\n".encode() + LAST
    async with serving(receive_timeout=SOON) as cse, connected(cse) as (reader, writer):
        writer.write(GET + later + second[:10])
        await asyncio.sleep(SOON / 5)
        writer.write(second[10:] + body)
        answer = await reader.read()
        assert [line for line in answer.lower().split(b"\r\n") if b"x-m2m-rsc" in line] == [
            b"x-m2m-rsc: 2000",
            b"x-m2m-rsc: 2001",
        ]


async def test_a_connection_that_is_not_used_again_is_closed() -> None:
    async with serving(keep_alive_timeout=1, receive_timeout=SOON) as cse:
        answer = await answers(cse, GET + b"\r\n")
        assert b" 200 OK" in answer
        assert b" 408 " not in answer


async def test_connections_are_counted() -> None:
    async with serving(max_connections=2) as cse, connected(cse), connected(cse) as (_, writer):
        answer = await answers(cse, GET + LAST)
        assert answer.startswith(b"HTTP/1.1 503 ")
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(SOON)
        assert b" 200 OK" in await answers(cse, GET + LAST)
