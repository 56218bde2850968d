"""What is asked of the SCEF, and what is made of its answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cse.config import ConfigurationError
from cse.http.outgoing import client_context
from cse.testing.clock import ManualClock
from cse.timing import Clock, SystemClock
from plugins.mbms.scef import Scef, ScefError
from plugins.mbms.settings import MbmsSettings
from tests.plugins.mbms.kit import EXTERNAL_GROUP, settings
from tests.plugins.mbms.scef import TOKEN, FakeScef
from tests.servers import hurrying


@asynccontextmanager
async def client(scef: FakeScef, clock: Clock, *, allowed: bool = True, **changes: object) -> AsyncIterator[Scef]:
    chosen = settings(scef, **changes)
    one = Scef(chosen, clock, lambda address: allowed, client_context(chosen))
    try:
        yield one
    finally:
        await one.close()


async def test_a_tmgi_is_allocated_renewed_used_and_given_back() -> None:
    clock = ManualClock()
    async with FakeScef(clock) as scef, client(scef, clock, service_areas=("7",)) as asks:
        tmgi = await asks.allocate(EXTERNAL_GROUP)
        assert tmgi == ("tmgi/1", clock.now() + 3600)
        scef.lifetime = 60.0
        assert await asks.renew(EXTERNAL_GROUP, tmgi.name) == ("tmgi/1", clock.now() + 60)
        await asks.deliver(EXTERNAL_GROUP, tmgi.name, b"\x00payload", "http://127.0.0.1:9/secret")
        await asks.release(tmgi.name)
        group = {"externalGroupId": EXTERNAL_GROUP, "mbmsLocArea": {"mbmsServiceAreaId": ["7"]}}
        message = {"notificationDestination": "http://127.0.0.1:9/secret", "groupMessagePayload": "AHBheWxvYWQ="}
        assert scef.calls == [
            ("POST", "allocation", group),
            ("PUT", "renewal", group),
            ("POST", "delivery", group | message),
            ("DELETE", "release", {}),
        ]


@pytest.mark.parametrize(
    "body",
    [
        b'{"self": "http://scef/tmgi-allocation/abc", "tmgiExpiration": "2099-01-01T00:00:00Z"}',
        b'{"tmgi": "abc", "tmgiExpiration": "2099-01-01T00:00:00"}',
        b'{"tmgi": "abc", "tmgiExpiration": "2099-01-01T01:00:00+01:00"}',
    ],
)
async def test_a_tmgi_is_found_where_it_stands(body: bytes) -> None:
    async with FakeScef() as scef, client(scef, SystemClock()) as asks:
        scef.bodies["allocation"] = body
        assert await asks.allocate(EXTERNAL_GROUP) == ("abc", 4070908800)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "until when"),
        (b"[]", "no JSON object"),
        (b"<html>", "no JSON object"),
        (b'{"tmgi": "' + b"x" * 70_000 + b'"}', "no JSON object"),
        (b'{"tmgi": "abc"}', "until when"),
        (b'{"tmgi": "abc", "tmgiExpiration": "soon"}', "until when"),
        (b'{"tmgi": "abc", "tmgiExpiration": 7}', "until when"),
        (b'{"tmgiExpiration": "2099-01-01T00:00:00Z"}', "no TMGI"),
        (b'{"tmgi": "abc", "tmgiExpiration": "2001-01-01T00:00:00Z"}', "has expired"),
    ],
)
async def test_an_answer_that_makes_no_sense_is_an_error(body: bytes, sentence: str) -> None:
    async with FakeScef() as scef, client(scef, SystemClock()) as asks:
        scef.bodies["allocation"] = body
        with pytest.raises(ScefError, match=sentence):
            await asks.allocate(EXTERNAL_GROUP)


@pytest.mark.parametrize(("status", "refused"), [(403, True), (404, True), (500, False), (503, False), (302, False)])
async def test_a_refusal_is_told_from_a_failure(status: int, refused: bool) -> None:
    async with FakeScef() as scef, client(scef, SystemClock()) as asks:
        scef.trouble["allocation"] = status
        with pytest.raises(ScefError, match=f"HTTP status {status}") as raised:
            await asks.allocate(EXTERNAL_GROUP)
        assert raised.value.refused is refused


async def test_a_scef_that_does_not_answer_is_given_up() -> None:
    clock = ManualClock()
    async with FakeScef(clock) as scef, client(scef, clock, request_timeout=10.0) as asks:
        scef.hangs = True
        with pytest.raises(ScefError, match=r"no answer from .* within 10 seconds"):
            await hurrying(clock, asks.allocate(EXTERNAL_GROUP))


async def test_a_scef_that_is_not_there_cannot_be_asked() -> None:
    async with FakeScef() as scef:
        gone = settings(scef)
    one = Scef(gone, SystemClock(), lambda address: True, client_context(gone))
    with pytest.raises(ScefError, match="cannot be asked"):
        await one.allocate(EXTERNAL_GROUP)
    await one.close()


async def test_no_request_leaves_for_an_address_that_is_not_allowed() -> None:
    async with FakeScef() as scef, client(scef, SystemClock(), allowed=False) as asks:
        with pytest.raises(ScefError, match="not in allowed_targets"):
            await asks.allocate(EXTERNAL_GROUP)
        assert scef.calls == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"api_root": "scef.example"}, "api_root .* must be a URL"),
        ({"api_root": "ftp://scef.example"}, "api_root .* must be a URL"),
        ({"api_root": "https://user@scef.example"}, "api_root .* must be a URL"),
        ({"api_root": "https://scef.example:x"}, "api_root .* must be a URL"),
        ({"api_root": "https://scef.example", "scs_as_id": ""}, "needs scs_as_id"),
        ({"api_root": "http://scef.example", "token": "secret"}, "in clear"),
        ({"callback_url": "cse.example"}, "callback_url .* must be a URL"),
        ({"group_addresses": "10.0.0.0/8"}, "must be multicast"),
    ],
)
def test_settings_that_cannot_be_used(changes: dict[str, str], sentence: str) -> None:
    values = {"api_root": "https://scef.example", "scs_as_id": "city"} | changes
    with pytest.raises(ConfigurationError, match=sentence):
        MbmsSettings(**values).check()  # type: ignore[arg-type]


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(MbmsSettings(token=TOKEN))
