"""The server answers as soon as it runs."""

from pathlib import Path
from typing import Any

import pytest

from cse.config import ConfigurationError
from cse.testing.clock import ManualClock
from tests.servers import Listener, Running, serving


async def test_the_csebase_says_what_the_server_can_do(cse: Running) -> None:
    answer = await cse.client.get("/cse-in")
    assert (answer.status, answer.rsc) == (200, 2000)
    base = answer.content["m2m:cb"]
    assert base["ri"] == "id-in"
    assert base["csi"] == "/id-in"
    assert base["srt"] == sorted(base["srt"])
    assert {1, 2, 3, 4, 5, 9, 13, 14, 17, 18, 23, 28, 58} <= set(base["srt"])
    assert base["poa"] == [f"http://127.0.0.1:{cse.port}"]


async def test_the_response_names_the_request_and_its_release(cse: Running) -> None:
    answer = await cse.client.get("/cse-in", X_M2M_RI="r-0001", X_M2M_RVI="4", X_M2M_VSI="mine")
    assert answer.headers["X-M2M-RI"] == "r-0001"
    assert answer.headers["X-M2M-RVI"] == "4"
    assert answer.headers["X-M2M-VSI"] == "mine"
    assert answer.headers["Content-Type"].startswith("application/json")


async def test_a_notification_reaches_an_application(cse: Running, listener: Listener) -> None:
    await cse.client.register("app", listener.url)
    await cse.client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "box"}}, "Capp")
    subscription = {"m2m:sub": {"rn": "news", "nu": ["Capp"], "enc": {"net": [3]}}}
    assert (await cse.client.create("/cse-in/app/box", 23, subscription, "Capp")).rsc == 2001
    await cse.client.create("/cse-in/app/box", 4, {"m2m:cin": {"con": "42"}}, "Capp")
    notification = (await listener.next())["m2m:sgn"]
    assert notification["nev"]["rep"]["m2m:cin"]["con"] == "42"


async def test_a_server_runs_by_the_clock_it_is_given(clock: ManualClock) -> None:
    async with serving(clock=clock, cse_name="home") as cse:
        created = (await cse.client.get("/home")).resource["ct"]
        await clock.advance(60.0)
        box = await cse.client.create("/home", 3, {"m2m:cnt": {}})
        assert box.resource["ct"] > created


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"udp-multicast": {"encrypt": True}}, "encrypt in .udp-multicast. needs a master key"),
        ({"lora-broadcast": {"network_server": "mast"}}, "network_server in .lora-broadcast. must be"),
    ],
)
async def test_what_a_network_cannot_do_without_is_said_at_the_start(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        async with serving(settings=settings):
            raise AssertionError("it runs")


async def test_keys_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"the keys in .* can't be used"):
        async with serving(keys=str(tmp_path / "missing.toml")):
            raise AssertionError("it runs")
