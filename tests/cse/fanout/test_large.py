"""What differs for campaigns that are too large for the event loop to prepare in one go."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cse.fanout import service
from cse.fanout.aggregate import final_response
from cse.fanout.devices import DeviceCampaign
from cse.fanout.states import Failure, State
from cse.pieces import Pieces
from cse.primitive import Operation, Request
from cse.slices import SLICE
from cse.store import Row
from tests.cse.fanout.scenario import contents, eventually, items, scenario


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


async def test_the_answer_to_a_large_fan_out_comes_in_pieces() -> None:
    async with scenario() as city:
        members = [f"cse-in/box{number}" for number in range(SLICE + 1)]
        for number in range(SLICE + 1):
            await city.create("cse-in", 3, "cnt", rn=f"box{number}")
        await city.group(members)
        few = await city.ask(Operation.RETRIEVE, "cse-in/city/fopt", group_target_members=tuple(members[:2]))
        assert items(few.content) == dict.fromkeys(members[:2], 2000), "that to a small one does not"
        response = await city.ask(Operation.RETRIEVE, "cse-in/city/fopt")
        assert isinstance(response.content, Pieces)
        content = response.content.whole()
        assert list(items(content).items()) == [(member, 2000) for member in members], "in the order of the members"
        assert contents(content)[members[1]] == contents(few.content)[members[1]]


async def test_a_large_fan_out_that_nobody_answers_is_an_error() -> None:
    rows = [Row(position, "m", "m", "", State.FAILED, Failure.EXPIRED) for position in range(SLICE + 1)]
    response = await final_response(Request(Operation.RETRIEVE, "cse-in/city/fopt", "CAdmin", "r-1"), rows)
    assert (response.status_code, rows) == (5209, [])
