"""The load generator against servers that answer in every way that a CSE may."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from benchmarks.driver import for_each, load
from benchmarks.load import NUMBER, Address, LoadError, Requests, Scattered

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nno rights"
TEN = [Requests("GET", f"/cse-in/{number}%20", "C1", headers={"X-M2M-RVI": "2a"}) for number in range(10)]


@asynccontextmanager
async def answering(answer: Callable[[int], bytes]) -> AsyncIterator[tuple[Address, list[str]]]:
    """A server that answers its first request with `answer(0)` and so on, in two pieces; and the heads that it got."""
    heads: list[str] = []
    connections: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        try:
            while True:
                heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                octets = answer(len(heads) - 1)
                for part in (octets[:20], octets[20:]):
                    writer.write(part)
                    await writer.drain()
                if octets == CLOSING or not octets:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Address(*server.sockets[0].getsockname()), heads
        await asyncio.gather(*filter(None, connections))


@pytest.mark.parametrize("answer", [GOOD, CLOSING, CHUNKED])
async def test_each_request_is_sent_once_with_an_identifier_of_its_own(answer: bytes) -> None:
    async with answering(lambda number: answer) as (address, heads):
        found = await for_each(address, TEN, connections=3)
    assert found.sent == len(heads) == 10
    assert sorted(head.split()[1] for head in heads) == [f"/cse-in/{number}%20" for number in range(10)]
    assert len({re.search(r"X-M2M-RI: (\S+)", head)[1] for head in heads}) == 10
    assert all("X-M2M-RVI: 2a" in head and "X-M2M-RVI: 3" not in head for head in heads)


async def test_requests_go_on_in_turn_until_the_time_is_over() -> None:
    async with answering(lambda number: GOOD) as (address, heads):
        found = await load(address, TEN[:2], 2, seconds=0.2)
    assert found.sent == len(heads)
    assert {head.split()[1] for head in heads} == {"/cse-in/0%20", "/cse-in/1%20"}
    assert 0 < found.p50 <= found.p99
    assert found.server is None


async def test_a_server_that_is_too_slow_for_the_time_gets_more() -> None:
    async with answering(lambda number: GOOD) as (address, _):
        found = await load(address, TEN, 3, seconds=1e-9)
    assert found.sent >= 3
    assert found.rate > 0


async def test_requests_can_be_scattered_over_many_places() -> None:
    scattered = Scattered(Requests("GET", f"/cse-in/{NUMBER}", "C1"), 3)
    async with answering(lambda number: GOOD) as (address, heads):
        await for_each(address, [scattered] * 50)
    assert {head.split()[1] for head in heads} == {"/cse-in/0", "/cse-in/1", "/cse-in/2"}
    assert len({re.search(r"X-M2M-RI: (\S+)", head)[1] for head in heads}) == 50


async def test_another_status_than_the_expected_one_ends_the_load_with_the_answer() -> None:
    async with answering(lambda number: GOOD if number < 5 else REFUSED) as (address, _):
        with pytest.raises(LoadError, match=r"GET /cse-in/\d%20 was answered with 403"):
            await load(address, TEN, 2, seconds=60)


async def test_a_connection_that_is_lost_ends_the_load() -> None:
    async with answering(lambda number: GOOD if number < 5 else b"") as (address, _):
        with pytest.raises(LoadError, match="the server closed the connection"):
            await load(address, TEN, 1, seconds=60)
