import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cse.config import ConfigurationError
from cse.http.client import Client, NoAnswer, NotSent
from cse.http.outgoing import client_context
from cse.timing import SystemClock
from plugins.http_unicast.settings import HttpUnicastSettings
from tests.certificates import Authority
from tests.web_servers import RawServer, http


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@asynccontextmanager
async def connected(**settings: str) -> AsyncIterator[Client]:
    client = Client(SystemClock(), lambda _: True, 3.0, client_context(HttpUnicastSettings(**settings)))
    yield client
    await client.close()


def own(authority: Authority) -> dict[str, str]:
    certificate, key = authority.files("cse.example")
    return {"authorities": str(authority.file), "certificate": str(certificate), "private_key": str(key)}


async def status_of(server: RawServer, client: Client) -> int | None:
    """None for a server that has not answered."""
    try:
        return (await client.request("GET", server.url(), {}, None, patience=10.0)).status
    except NoAnswer:
        return None


async def test_a_server_with_a_certificate_of_a_named_authority_is_believed(authority: Authority) -> None:
    async with (
        RawServer(lambda _: http(200), tls=authority.server()) as server,
        connected(authorities=str(authority.file)) as client,
    ):
        assert await status_of(server, client) == 200


async def test_a_server_that_nobody_vouches_for_is_sent_nothing(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    async with RawServer(lambda _: http(200), tls=authority.server()) as server:
        for settings in ({}, {"authorities": str(other.file)}):
            async with connected(**settings) as client:
                with pytest.raises(NotSent, match="certificate verify failed"):
                    await status_of(server, client)
    assert server.requests == []


async def test_a_certificate_for_another_name_is_not_believed(authority: Authority) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.files("127.0.0.2"))
    async with (
        RawServer(lambda _: http(200), tls=context) as server,
        connected(authorities=str(authority.file)) as client,
    ):
        with pytest.raises(NotSent, match=r"127\.0\.0\.1"):
            await status_of(server, client)
    assert server.requests == []


async def test_a_server_that_wants_to_know_who_asks_is_shown_the_certificate(authority: Authority) -> None:
    async with RawServer(lambda _: http(200), tls=authority.server(clients=True)) as server:
        async with connected(**own(authority)) as client:
            assert await status_of(server, client) == 200
        async with connected(authorities=str(authority.file)) as client:
            assert await status_of(server, client) is None
    assert len(server.requests) == 1


def test_files_that_can_not_be_used_are_named(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.files("cse.example")
    for settings in (
        {"authorities": str(tmp_path / "nowhere")},
        {"authorities": str(key)},
        {"certificate": str(authority.file)},
        {"certificate": str(certificate), "private_key": str(authority.files("other.example")[1])},
    ):
        with pytest.raises(ConfigurationError, match="http-unicast"):
            client_context(HttpUnicastSettings(**settings))
