import asyncio
from collections.abc import AsyncIterator

import pytest

from cse.testing.clock import settle
from plugins.http_unicast.client import Client
from plugins.http_unicast.mapping import Message
from tests.plugins.http_unicast.servers import RawServer, http


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    client = Client(lambda address: True, connect_timeout=3.0)
    yield client
    await client.close()


async def test_a_connection_is_not_kept_for_a_server_that_nobody_else_goes_to(client: Client) -> None:
    async with RawServer(lambda _: http(200), closes=False) as server:
        for _ in range(3):
            await client.exchange(Message("GET", server.url(), {}, None), 100)
    assert server.connections == 3


async def test_connections_are_kept_for_a_server_that_many_go_to(client: Client) -> None:
    async def slow(_: bytes) -> bytes:
        await settle()
        return http(200)

    async def go_on(url: str) -> None:
        for _ in range(10):
            await client.exchange(Message("GET", url, {}, None), 100)

    async with RawServer(slow, closes=False) as server:
        await asyncio.gather(*(go_on(server.url()) for _ in range(4)))
    assert len(server.requests) == 40
    assert server.connections < 20


async def test_cookies_are_not_sent_back(client: Client) -> None:
    async with RawServer(lambda _: http(200, {"Set-Cookie": "a=1"})) as server:
        for _ in range(2):
            await client.exchange(Message("GET", server.url(), {}, None), 100)
    assert not any(b"Cookie" in request for request in server.requests)
