"""What the SCEF says, at the URL that it was given, and nowhere else."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from cse.config import ConfigurationError
from cse.testing.engine import RecordingEngine
from plugins.mbms.callbacks import Callbacks
from plugins.mbms.network import Mbms
from plugins.mbms.settings import MbmsSettings


@pytest.fixture
async def callbacks() -> AsyncIterator[Callbacks]:
    one = Callbacks("")
    await one.start("127.0.0.1", 0)
    yield one
    await one.stop()


async def post(url: str, body: bytes) -> int:
    async with aiohttp.ClientSession() as session, session.post(url, data=body) as response:
        return response.status


@pytest.mark.parametrize("status", [True, False])
async def test_what_is_said_first_counts(callbacks: Callbacks, status: bool) -> None:
    with callbacks.expected() as (url, triggered):
        said = b'{"transaction": "http://scef/1", "deliveryTriggerStatus": %s}'
        assert await post(url, said % str(status).lower().encode()) == 204
        assert await post(url, said % str(not status).lower().encode()) == 204
        assert await triggered is status


@pytest.mark.parametrize(
    "body", [b"", b"true", b"{}", b'{"deliveryTriggerStatus": 1}', b'{"deliveryTriggerStatus": "true"}']
)
async def test_what_says_nothing_changes_nothing(callbacks: Callbacks, body: bytes) -> None:
    with callbacks.expected() as (url, triggered):
        assert await post(url, body) == 400
        assert not triggered.done()


async def test_a_notification_has_a_limit(callbacks: Callbacks) -> None:
    with callbacks.expected() as (url, triggered):
        assert await post(url, b" " * 5000) == 413
        assert not triggered.done()


async def test_who_does_not_know_the_url_is_not_heard(callbacks: Callbacks) -> None:
    with callbacks.expected() as (url, triggered):
        assert await post(f"{callbacks.url}/guessed", b'{"deliveryTriggerStatus": false}') == 404
        assert not triggered.done()
    assert await post(url, b'{"deliveryTriggerStatus": true}') == 404
    assert callbacks.strays == 2


async def test_the_url_that_is_announced_is_that_of_the_operator() -> None:
    callbacks = Callbacks("https://cse.example/scef/")
    await callbacks.start("127.0.0.1", 0)
    with callbacks.expected() as (url, _):
        assert url.startswith("https://cse.example/scef/")
    assert "//scef" not in url
    await callbacks.stop()


async def test_where_nobody_can_listen_the_server_does_not_start(callbacks: Callbacks) -> None:
    taken = int(callbacks.url.rpartition(":")[2])
    network = Mbms(MbmsSettings(api_root="http://127.0.0.1:9", scs_as_id="city", callback_port=taken))
    with pytest.raises(ConfigurationError, match=r"callback_port of \[mbms\], 127\.0\.0\.1 and"):
        await network.start(RecordingEngine())
