"""Effects are carried out in order, whatever some of them do, and again after a restart."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cse.outbox.removals import Removals
from cse.outbox.service import ATTEMPTS, Outbox, Postponed
from cse.store import Effect
from cse.work import Work
from tests.cse.fanout.scenario import Scenario, eventually, scenario
from tests.servers import PATIENCE


class Worker:
    """A handler that remembers; effects named `bad` raise, `slow` waits for the gate, `later` is put off until then."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.done: list[str] = []
        self.dropped: list[str] = []
        self.gate = asyncio.Event()

    async def handle(self, effect: Effect) -> None:
        name = effect.document["name"]
        self.tried.append(name)
        if name == "slow":
            await self.gate.wait()
        if name == "later" and not self.gate.is_set():
            raise Postponed(60)
        if name == "bad":
            raise RuntimeError("a broken handler")
        self.done.append(name)

    def discard(self, work: Work, effect: Effect) -> None:
        self.dropped.append(effect.document["name"])
        if effect.document["name"] == "bad":
            raise RuntimeError("a broken discard")


@asynccontextmanager
async def outbox(city: Scenario, worker: Worker) -> AsyncIterator[Outbox]:
    running = Outbox(city.server.core, {"test": worker.handle}, discards={"test": worker.discard})
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


async def eventually_left(city: Scenario, names: list[str]) -> None:
    """Wait until these are left."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if [effect.document["name"] for effect in await left(city)] == names:
                return
            await asyncio.sleep(0.002)


@asynccontextmanager
async def quiet(**settings: Any) -> AsyncIterator[Scenario]:
    """A server whose own outbox leaves the effects of these tests alone."""
    async with scenario(**settings) as city:
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
            await remember(city, "more")
            await eventually(lambda: worker.done[-1] == "more")
            await eventually_left(city, [])


async def test_a_handler_that_keeps_raising_costs_only_its_own_effect(caplog: pytest.LogCaptureFixture) -> None:
    async with quiet() as city:
        worker = Worker()
        async with outbox(city, worker):
            await remember(city, "bad", "good", lane="one")
            await city.advance_until(lambda: worker.done == ["good"])
            await eventually_left(city, [])
            assert worker.tried == ["bad"] * ATTEMPTS + ["good"]
    assert "a broken handler" in caplog.text


async def test_a_lane_that_waits_holds_up_no_other_and_is_begun_again_after_a_restart(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/cse.sqlite"
    worker = Worker()
    async with quiet(store=store) as city, outbox(city, worker):
        await remember(city, "slow")
        await remember(city, "quick")
        await eventually(lambda: worker.done == ["quick"])
        await eventually_left(city, ["slow"])
    worker.gate.set()
    async with quiet(store=store) as city, outbox(city, worker):
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

            patched.setattr(city.server.core.store, "run", broken)
            async with outbox(city, worker):
                await city.clock.advance(2.5)
                assert worker.done == []
                patched.undo()
                await city.clock.advance(1)
                await eventually(lambda: worker.done == ["e1"])
    assert "the outbox can't use the store" in caplog.text


async def test_more_than_can_be_held_is_read_again_when_it_is_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cse.outbox.holdings.MOST_HELD", 3)
    async with quiet() as city:
        worker = Worker()
        names = ["slow", *(f"e{i}" for i in range(20))]
        await remember(city, *names, lane="one")
        async with outbox(city, worker):
            await remember(city, "quick")
            await eventually(lambda: worker.done == ["quick"])
            worker.gate.set()
            await eventually(lambda: worker.done == ["quick", *names])


@pytest.fixture
def striking_off(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Nothing is struck off before it is set."""
    gate = asyncio.Event()

    class SlowRemovals(Removals):
        def __init__(self, strike: Callable[[list[int]], Awaitable[None]]) -> None:
            async def slowly(numbers: list[int]) -> None:
                await gate.wait()
                await strike(numbers)

            super().__init__(slowly)

    monkeypatch.setattr("cse.outbox.service.Removals", SlowRemovals)
    return gate


async def test_what_is_next_in_a_lane_does_not_wait_until_the_last_is_struck_off(striking_off: asyncio.Event) -> None:
    async with quiet() as city:
        worker = Worker()
        await remember(city, "a", "b", "c", lane="one")
        numbers = [effect.id for effect in await left(city)]
        async with outbox(city, worker) as running:
            await eventually(lambda: worker.done == ["a", "b", "c"])
            waiting = asyncio.create_task(running.settled(numbers))
            await eventually_left(city, ["a", "b", "c"])
            assert not waiting.done()
            striking_off.set()
            await waiting
            assert await left(city) == []


@pytest.mark.usefixtures("striking_off")
async def test_what_has_been_carried_out_is_struck_off_at_the_end() -> None:
    async with quiet() as city:
        worker = Worker()
        await remember(city, "a", "b", "slow", lane="one")
        async with outbox(city, worker):
            await eventually(lambda: worker.tried == ["a", "b", "slow"])
            await eventually_left(city, ["a", "b", "slow"])
        await eventually_left(city, ["slow"])


async def test_one_can_wait_for_effects() -> None:
    async with quiet() as city:
        worker = Worker()
        await remember(city, "slow", "quick")
        slow, quick = (effect.id for effect in await left(city))
        async with outbox(city, worker) as running:
            await running.settled([quick])
            assert worker.done == ["quick"]
            waiting = asyncio.create_task(running.settled([slow, quick]))
            await remember(city, "more")
            await eventually(lambda: "more" in worker.done)
            assert not waiting.done()
            worker.gate.set()
            await waiting
            await running.settled([slow, quick])
            assert await left(city) == []


async def test_what_is_put_off_comes_again_later_and_in_order() -> None:
    async with quiet() as city:
        worker = Worker()
        await remember(city, "later", "next", lane="one")
        await remember(city, "other")
        async with outbox(city, worker):
            await eventually(lambda: worker.done == ["other"])
            await city.clock.advance(59)
            assert worker.tried == ["later", "other"]
            worker.gate.set()
            await city.clock.advance(1)
            await eventually(lambda: worker.done == ["other", "later", "next"])


async def test_who_waits_has_it_tried_at_once_and_does_not_wait_for_what_is_put_off_again() -> None:
    async with quiet() as city:
        worker = Worker()
        await remember(city, "later", "next", lane="one")
        first, second = (effect.id for effect in await left(city))
        async with outbox(city, worker) as running:
            await eventually(lambda: worker.tried == ["later"])
            await running.settled([first, second])
            assert worker.tried == ["later"] * 2
            worker.gate.set()
            await running.settled([first, second])
            assert worker.done == ["later", "next"]


async def test_a_lane_can_be_woken() -> None:
    async with quiet() as city:
        worker = Worker()
        async with outbox(city, worker) as running:
            await remember(city, "later", lane="one")
            await eventually(lambda: worker.tried == ["later"])
            await city.clock.advance(0)
            worker.gate.set()
            running.wake("test elsewhere")
            running.wake("test one")
            await eventually(lambda: worker.done == ["later"])


async def test_what_another_process_has_claimed_is_left_to_it_and_waited_for() -> None:
    async with quiet() as city:
        worker = Worker()
        core = city.server.core
        await remember(city, "theirs")
        (theirs,) = await core.run(lambda work: work.transaction.effects.claim(1))
        async with outbox(city, worker) as running:
            await remember(city, "ours")
            await eventually(lambda: worker.done == ["ours"])
            waiting = asyncio.create_task(running.settled([theirs.id]))
            await city.clock.advance(1)
            assert not waiting.done()
            await core.run(lambda work: work.transaction.effects.remove([theirs.id]))
            await city.advance_until(waiting.done)
            assert worker.done == ["ours"]


async def test_only_some_kinds_are_carried_out_here() -> None:
    async with quiet() as city:
        worker = Worker()
        kinds = ["other"]
        running = Outbox(city.server.core, {"test": worker.handle, "other": worker.handle}, lambda: kinds)
        city.server.core.start(running.run(), "a second outbox")
        await city.server.core.run(lambda work: work.later("other", {"name": "second"}))
        await remember(city, "first")
        await eventually(lambda: worker.done == ["second"])
        kinds.clear()
        city.server.core.effects_added.set()
        await eventually(lambda: worker.done == ["second", "first"])


async def test_where_others_serve_the_same_store_effects_come_without_being_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with quiet() as city:
        worker = Worker()
        core = city.server.core
        monkeypatch.setattr(type(core.store.company), "is_shared", True)
        async with outbox(city, worker):
            await city.clock.advance(0.1)
            await core.store.run(lambda transaction: transaction.effects.add("test", {"name": "theirs"}, lane="one"))
            await city.advance_until(lambda: worker.done == ["theirs"])


async def test_the_oldest_of_a_full_lane_are_dropped_but_not_what_is_being_carried_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with quiet(notification_queue=3) as city:
        worker = Worker()
        async with outbox(city, worker) as running:
            await remember(city, "slow", lane="one")
            await eventually(lambda: worker.tried == ["slow"])
            await remember(city, "a", "bad", "c", "d", "e", lane="one")
            await eventually(lambda: worker.dropped == ["a", "bad", "c"])
            assert running.counts() == {"test": 3}
            worker.gate.set()
            await eventually(lambda: worker.done == ["slow", "d", "e"])
            await eventually_left(city, [])
    assert "a broken discard" in caplog.text


async def test_of_a_lane_that_is_put_off_the_first_may_be_dropped_too() -> None:
    async with quiet(notification_queue=2) as city:
        worker = Worker()
        async with outbox(city, worker):
            await remember(city, "later", lane="one")
            await eventually(lambda: worker.tried == ["later"])
            await remember(city, "a", "b", lane="one")
            await eventually(lambda: worker.dropped == ["later"])
            await city.clock.advance(60)
            await eventually(lambda: worker.done == ["a", "b"])


async def test_when_all_lanes_together_are_full_the_longest_loses_its_oldest() -> None:
    async with quiet(max_notifications=20) as city:
        worker = Worker()
        async with outbox(city, worker) as running:
            for lane, count in (("short", 5), ("long", 16)):
                await remember(city, "slow", *(f"{lane}{i}" for i in range(1, count)), lane=lane)
            await eventually(lambda: worker.dropped == ["long1"])
            worker.gate.set()
            await eventually(lambda: running.counts() == {"test": 0})
            assert len(worker.done) == 20


async def test_when_there_is_no_room_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cse.outbox.service.MOST_OTHERS", 2)
    async with quiet(max_notifications=1) as city:
        worker = Worker()
        running = Outbox(city.server.core, {"test": worker.handle})
        city.server.core.start(running.run(), "a second outbox")
        await remember(city, "slow", "a", "b", "c", "d", lane="one")
        await remember(city, "other")
        await eventually(lambda: worker.tried == ["slow"])
        await city.clock.advance(1)
        assert worker.done == []
        worker.gate.set()
        await eventually(lambda: set(worker.done) == {"slow", "a", "b", "c", "d", "other"})
