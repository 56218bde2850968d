"""What differs for campaigns that are too large for the event loop to prepare in one go."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cse.fanout import service
from cse.fanout.devices import DeviceCampaign
from tests.cse.fanout.scenario import eventually, scenario


async def test_a_newer_request_supersedes_one_that_is_being_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, gate = asyncio.Event(), asyncio.Event()

    async def aside(size: int, function: Callable[..., Any], *args: Any) -> Any:
        if function is DeviceCampaign and not begun.is_set():
            begun.set()
            await gate.wait()
        return function(*args)

    monkeypatch.setattr(service, "aside", aside)
    async with scenario() as city:
        members = await city.meters(2, "wire")
        await city.group(members)
        await city.group(members[:1], "part")
        older = await city.start()
        await begun.wait()
        newer = await city.start("part")
        await city.finished(newer)
        gate.set()
        await city.finished(older)
        await eventually(lambda: len(city.wire.deliveries) == 2)
        assert [delivery.hosts[0].id for delivery in city.wire.deliveries] == ["Cm0", "Cm1"], "each has got one"
        states = {member: (row.state, row.reason) for member, row in (await city.rows(older)).items()}
        assert states == {members[0]: ("failed", "SUPERSEDED"), members[1]: ("answered", "")}
