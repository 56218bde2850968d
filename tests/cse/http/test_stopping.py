"""Requests under way when the server stops."""

import asyncio

import pytest

from cse.errors import RequestTimeout
from cse.http.stopping import Room, Stopping


async def hold(room: Room, gate: asyncio.Event) -> str:
    with room:
        await gate.wait()
    return "done"


@pytest.fixture
def stopping() -> Stopping:
    return Stopping()


async def test_polls_end_first_and_everything_later(stopping: Stopping) -> None:
    gate = asyncio.Event()
    poll = asyncio.create_task(hold(stopping.waiting, gate))
    request = asyncio.create_task(hold(stopping.working, gate))
    await asyncio.sleep(0)
    stopping.begin()
    with pytest.raises(RequestTimeout, match="the server stops"):
        await poll
    assert not request.done()
    stopping.end()
    with pytest.raises(RequestTimeout, match="the server stops"):
        await request
    assert not request.cancelled()


async def test_what_ends_in_time_is_not_disturbed(stopping: Stopping) -> None:
    gate = asyncio.Event()
    request = asyncio.create_task(hold(stopping.working, gate))
    await asyncio.sleep(0)
    stopping.begin()
    gate.set()
    assert await request == "done"
    stopping.end()


async def test_a_poll_that_comes_late_is_not_kept(stopping: Stopping) -> None:
    stopping.begin()
    with pytest.raises(RequestTimeout):
        await hold(stopping.waiting, asyncio.Event())


@pytest.mark.parametrize("name", ["waiting", "working"])
async def test_who_is_cancelled_by_somebody_else_is_cancelled(stopping: Stopping, name: str) -> None:
    task = asyncio.create_task(hold(getattr(stopping, name), asyncio.Event()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
