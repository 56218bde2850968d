"""What the parts of a server share."""

import asyncio
from contextlib import suppress

import pytest

from cse.core import Core
from tests.cse.fanout.scenario import ScriptedNetwork, eventually, scenario


async def test_addresses_that_requests_may_leave_for() -> None:
    async with scenario(allowed_targets=["127.0.0.0/8", "2001:db8::/32"]) as city:
        allowed = [city.server.core.allows(text) for text in ("127.0.0.1", "2001:db8::7", "192.0.2.1", "meter", "")]
        assert allowed == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("ways", "said"),
    [
        ([], (0, "")),
        ([(0, ""), (2, "")], (2, "")),
        ([(2, ""), (1, "meters@operator.example"), (0, "")], (1, "meters@operator.example")),
    ],
)
async def test_a_cse_says_one_way_in_which_multicast_reaches_it(ways: list[tuple[int, str]], said: object) -> None:
    async with scenario() as city:
        networks = {}
        for capability, group in ways:
            network = networks[f"n{capability}"] = ScriptedNetwork(f"n{capability}")
            network.multicast_capability, network.external_group = capability, group
        core = city.server.core
        assert Core(core.model, core.store, core.clock, networks).multicast == said


async def test_a_task_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def failing() -> None:
        raise RuntimeError("nobody waits for this")

    async with scenario() as city:
        city.server.core.start(failing(), "a task")
        await eventually(lambda: "a task failed" in caplog.text)


async def test_what_is_started_while_the_server_stops_is_stopped_too() -> None:
    ended: list[str] = []

    async def waiting(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)
            if name == "first":
                city.server.core.start(waiting("second"), "second")
                await asyncio.sleep(0)

    async with scenario() as city:
        city.server.core.start(waiting("first"), "first")
        await asyncio.sleep(0)
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
    assert ended == ["first", "second"]
