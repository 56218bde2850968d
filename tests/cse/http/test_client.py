import asyncio
from collections.abc import AsyncIterator

import pytest

from cse.http.client import Client, NoAnswer, NotSent
from cse.http.idle import MOST, SECONDS
from cse.testing.clock import ManualClock, settle
from tests.web_servers import RawServer, closed_port, http


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def client(clock: ManualClock) -> AsyncIterator[Client]:
    client = Client(clock, lambda address: address.startswith("127."), connect_timeout=3.0)
    yield client
    await client.close()


async def get(client: Client, url: str, *, patience: float = 5.0) -> int:
    return (await client.request("GET", url, {}, None, patience=patience)).status


async def test_what_goes_out(client: Client) -> None:
    async with RawServer(lambda _: http(200, {"X-A": "b"}, b"yes")) as server:
        answer = await client.post(server.url("/a b?c=d"), {"X-M2M-RI": "1"}, b"body", patience=5.0)
        expected = (
            f"POST /a%20b?c=d HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAccept-Encoding: identity\r\n"
            "X-M2M-RI: 1\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody"
        )
    assert answer == (200, {"content-length": "3", "x-a": "b"}, b"yes")
    assert server.requests == [expected.encode()]


async def test_a_connection_is_not_kept_for_a_server_that_is_asked_once(client: Client) -> None:
    async with RawServer(lambda _: http(200), closes=False) as server:
        await get(client, server.url())
        await settle()
        assert server.open == 0
        assert b"Connection: close" in server.requests[0]


async def test_a_connection_is_kept_for_a_server_that_is_asked_again(client: Client) -> None:
    async with RawServer(lambda _: http(200), closes=False) as server:
        for _ in range(5):
            await get(client, server.url())
    assert server.connections == 2
    assert [b"Connection: close" in request for request in server.requests] == [True, *[False] * 4]


async def test_connections_are_kept_for_those_who_ask_side_by_side(client: Client) -> None:
    async def go_on(url: str) -> None:
        for _ in range(10):
            await get(client, url)

    async with RawServer(lambda _: http(200), closes=False) as server:
        await asyncio.gather(*(go_on(server.url()) for _ in range(4)))
    assert len(server.requests) == 40
    assert server.connections <= 5


async def test_a_connection_that_nobody_uses_is_closed(client: Client, clock: ManualClock) -> None:
    async with RawServer(lambda _: http(200), closes=False) as server:
        for _ in range(2):
            await get(client, server.url())
        await clock.advance(SECONDS - 1)
        assert server.open == 1
        await clock.advance(2)
        assert server.open == 0


async def test_idle_connections_are_few(client: Client) -> None:
    async with RawServer(lambda _: http(200), closes=False, host="0.0.0.0") as server:
        urls = [f"http://127.1.{number // 200}.{number % 200 + 1}:{server.port}/" for number in range(MOST + 5)]
        for url in [*urls, *urls]:
            await get(client, url)
        await settle()
        assert server.open == MOST


async def test_a_server_may_close_what_it_said_it_would_keep(client: Client) -> None:
    """A repeatable request goes out again, another one may have been received."""
    async with RawServer(lambda _: http(200), closes=False) as server:
        for _ in range(2):
            await get(client, server.url())
        server.ignores_next = True
        assert await get(client, server.url()) == 200
        server.ignores_next = True
        with pytest.raises(NoAnswer):
            await client.post(server.url(), {}, b"", patience=5.0)
        assert server.connections == 3


async def test_a_slow_server_is_not_waited_for(client: Client, clock: ManualClock) -> None:
    never = asyncio.Event()

    async def wait(_: bytes) -> bytes:
        await never.wait()
        return http(200)

    async with RawServer(wait) as server:
        asking = asyncio.create_task(get(client, server.url(), patience=2.0))
        while not server.requests:
            await settle()
        await clock.advance(1.9)
        assert not asking.done()
        await clock.advance(0.2)
        with pytest.raises(NoAnswer, match="too long"):
            await asking
        never.set()


async def test_who_gives_up_leaves_no_connection(client: Client) -> None:
    never = asyncio.Event()

    async def wait(_: bytes) -> bytes:
        await never.wait()
        return http(200)

    async with RawServer(wait) as server:
        asking = asyncio.create_task(get(client, server.url()))
        while not server.requests:
            await settle()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        never.set()
        await settle()
        assert server.open == 0


async def test_nobody_listens(client: Client) -> None:
    with pytest.raises(NotSent, match="no connection to 127") as caught:
        await get(client, f"http://127.0.0.1:{closed_port()}/")
    assert caught.value.refused


@pytest.mark.parametrize("url", ["http://10.9.8.7/", "http://[::1]:80/"])
async def test_nothing_leaves_for_other_addresses(client: Client, url: str) -> None:
    with pytest.raises(NotSent, match="is not in allowed_targets"):
        await get(client, url)


async def test_a_name_is_tried_at_each_of_its_addresses(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def allows(address: str) -> bool:
        asked.append(address)
        return address == "127.0.0.1"

    async def found(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", (address, 80)) for address in ("127.0.0.9", "127.0.0.1", "127.0.0.1")]

    client = Client(clock, allows, connect_timeout=3.0)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
    async with RawServer(lambda _: http(200)) as server:
        assert await get(client, f"http://somewhere.example:{server.port}/") == 200
    assert asked == ["127.0.0.9", "127.0.0.1"]
    await client.close()


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("ftp://127.0.0.1/", {}),
        ("http:///meter", {}),
        ("http://127.0.0.1:99999/", {}),
        ("http://127.0.0.1:0/", {}),
        ("http://127.0.0.1/", {"X-A": "b\r\nX-C: d"}),
        ("http://127.0.0.1/", {"X-A": "b\n"}),
        ("http://127.0.0.1/", {"X-A": "b\0"}),
    ],
)
async def test_what_is_no_request_is_not_sent(client: Client, url: str, headers: dict[str, str]) -> None:
    with pytest.raises(NotSent, match="no valid HTTP request"):
        await client.request("GET", url, headers, None, patience=5.0)


async def test_cookies_are_not_sent_back(client: Client) -> None:
    async with RawServer(lambda _: http(200, {"Set-Cookie": "a=1"})) as server:
        for _ in range(2):
            await get(client, server.url())
    assert not any(b"Cookie" in request for request in server.requests)


async def test_a_user_in_the_url_is_proved(client: Client) -> None:
    async with RawServer(lambda _: http(200)) as server:
        await get(client, f"http://meter:s%40fe@127.0.0.1:{server.port}/")
    assert b"Authorization: Basic bWV0ZXI6c0BmZQ==\r\n" in server.requests[0]
    assert b"Host: 127.0.0.1" in server.requests[0]
