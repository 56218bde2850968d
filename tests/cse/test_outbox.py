"""Effects are carried out in order, whatever some of them do, and again after a restart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cse.outbox import Outbox
from cse.store import Effect
from tests.cse.fanout.scenario import Scenario, eventually, scenario


class Worker:
    """A handler that remembers; effects named `bad` raise, those named `slow` wait for the gate."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.gate = asyncio.Event()

    async def handle(self, effect: Effect) -> None:
        name = effect.document["name"]
        if name == "slow":
            await self.gate.wait()
        if name == "bad":
            raise RuntimeError("a broken handler")
        self.done.append(name)


@asynccontextmanager
async def outbox(city: Scenario, worker: Worker) -> AsyncIterator[Outbox]:
    running = Outbox(city.server.core, {"test": worker.handle})
    task = city.server.core.start(running.run(), "a second outbox")
    yield running
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def remember(city: Scenario, *names: str, lane: str = "") -> None:
    def unit(work: object) -> None:
        for name in names:
            work.later("test", {"name": name, "target": lane or name})  # type: ignore[attr-defined]

    await city.server.core.run(unit)


async def left(city: Scenario) -> list[Effect]:
    return await city.server.core.read(lambda work: work.transaction.effects.pending())


@asynccontextmanager
async def quiet() -> AsyncIterator[Scenario]:
    """A server whose own outbox leaves the effects of these tests alone."""
    async with scenario() as city:
        for task in asyncio.all_tasks():
            if task.get_name() == "outbox":
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        yield city


async def test_what_one_lane_has_is_carried_out_in_order_and_struck_off() -> None:
    async with quiet() as city:
        worker = Worker()
        names = [f"e{i}" for i in range(250)]
        await remember(city, *names, lane="one")
        async with outbox(city, worker):
            await eventually(lambda: len(worker.done) == 250)
            assert worker.done == names
            await remember(city, "later")
            await eventually(lambda: worker.done[-1] == "later")
            await city.clock.advance(0.1)
            assert await left(city) == []


async def test_a_handler_that_raises_costs_only_its_own_effect(caplog: pytest.LogCaptureFixture) -> None:
    async with quiet() as city:
        worker = Worker()
        async with outbox(city, worker):
            await remember(city, "bad", "good", lane="one")
            await eventually(lambda: worker.done == ["good"])
            await city.clock.advance(0.1)
            assert await left(city) == []
    assert "a broken handler" in caplog.text


async def test_a_lane_that_waits_holds_up_no_other_and_is_begun_again_after_a_stop() -> None:
    async with quiet() as city:
        worker = Worker()
        async with outbox(city, worker):
            await remember(city, "slow")
            await remember(city, "quick")
            await eventually(lambda: worker.done == ["quick"])
        assert [effect.document["name"] for effect in await left(city)] == ["slow"]
        worker.gate.set()
        async with outbox(city, worker):
            await eventually(lambda: worker.done == ["quick", "slow"])


async def test_a_store_that_fails_for_a_while(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with quiet() as city:
        worker = Worker()
        await remember(city, "e1")
        with monkeypatch.context() as patched:

            async def broken(unit: object) -> None:
                raise OSError("disk error")

            patched.setattr(city.server.core.store, "read", broken)
            async with outbox(city, worker):
                await city.clock.advance(2.5)
                assert worker.done == []
                patched.undo()
                await city.clock.advance(1)
                await eventually(lambda: worker.done == ["e1"])
    assert "effects could not be read" in caplog.text


async def test_more_than_can_be_held_is_read_again_when_it_is_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cse.outbox.MOST_HELD", 3)
    async with quiet() as city:
        worker = Worker()
        names = ["slow", *(f"e{i}" for i in range(20))]
        await remember(city, *names, lane="one")
        async with outbox(city, worker):
            await remember(city, "quick")
            await eventually(lambda: worker.done == ["quick"])
            worker.gate.set()
            await eventually(lambda: worker.done == ["quick", *names])


async def test_one_can_wait_for_effects() -> None:
    async with quiet() as city:
        worker = Worker()
        await remember(city, "slow", "quick")
        slow, quick = (effect.id for effect in await left(city))
        async with outbox(city, worker) as running:
            await running.settled([quick])
            assert worker.done == ["quick"]
            waiting = asyncio.create_task(running.settled([slow, quick]))
            await remember(city, "later")
            await eventually(lambda: "later" in worker.done)
            assert not waiting.done()
            worker.gate.set()
            await waiting
            await running.settled([slow, quick])
            assert await left(city) == []
