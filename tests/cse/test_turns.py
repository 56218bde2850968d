"""Who holds a key makes others with the same key wait, in order."""

import asyncio

from cse.testing.clock import settle
from cse.turns import OneAtATime, Slots


async def test_who_holds_a_key_makes_others_wait_and_leaves_nothing_behind() -> None:
    one_at_a_time, order = OneAtATime(), []

    async def work(name: int, *keys: str) -> None:
        async with one_at_a_time.hold(*keys):
            order.append(name)
            await settle()
            order.append(name)

    cancelled = asyncio.create_task(work(0, "a"))
    tasks = [asyncio.create_task(work(name, "a")) for name in (1, 2)]
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled, *tasks])
    assert order == [0, 1, 1, 2, 2]
    assert not any(vars(one_at_a_time).values())


async def test_nobody_waits_in_a_circle() -> None:
    one_at_a_time = OneAtATime()

    async def work(*keys: str) -> None:
        for _ in range(20):
            async with one_at_a_time.hold(*keys):
                await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await asyncio.gather(work("a", "b"), work("b", "a"), work("b", "c", "b"), work("c", "a"))


async def test_who_is_cancelled_just_as_it_is_his_turn_hands_it_on() -> None:
    one_at_a_time, order = OneAtATime(), []

    async def work(name: int, *keys: str) -> None:
        async with one_at_a_time.hold(*keys):
            order.append(name)

    async with one_at_a_time.hold("b"):
        async with one_at_a_time.hold("a"):
            tasks = [asyncio.create_task(work(name, "a", "b")) for name in (0, 1)]
            await settle()
        tasks[0].cancel()
        await settle()
    await asyncio.wait(tasks)
    assert order == [1]
    assert not any(vars(one_at_a_time).values())


class Room:
    """Who came in, in this order, and how to let them go."""

    def __init__(self, slots: Slots) -> None:
        self.came: list[int] = []
        self._slots = slots
        self._leave: dict[int, asyncio.Event] = {}

    def enter(self, *names: int) -> list["asyncio.Task[None]"]:
        return [asyncio.create_task(self._stay(name)) for name in names]

    def leave(self, name: int) -> None:
        self._leave[name].set()

    async def _stay(self, name: int) -> None:
        async with self._slots:
            self.came.append(name)
            self._leave[name] = asyncio.Event()
            await self._leave[name].wait()


async def test_so_many_at_a_time_and_the_others_in_order() -> None:
    room = Room(Slots(2))
    tasks = room.enter(0, 1, 2, 3, 4)
    await settle()
    assert room.came == [0, 1]
    tasks[2].cancel()
    room.leave(1)
    await settle()
    assert room.came == [0, 1, 3]
    room.leave(3)
    room.leave(0)
    await settle()
    room.leave(4)
    await asyncio.wait(tasks)
    assert room.came == [0, 1, 3, 4]
    tasks = room.enter(5, 6, 7)
    await settle()
    assert room.came[4:] == [5, 6]
    for name in (5, 6, 7):
        await settle()
        room.leave(name)
    await asyncio.wait(tasks)


async def test_a_slot_that_comes_too_late_is_handed_on() -> None:
    room = Room(Slots(1))
    tasks = room.enter(0, 1, 2)
    await settle()
    room.leave(0)
    await asyncio.sleep(0)  # the first has gone, the second has not come in yet
    assert room.came == [0]
    assert tasks[0].done()
    tasks[1].cancel()
    await settle()
    assert tasks[1].cancelled()
    assert room.came == [0, 2]
    room.leave(2)
    await tasks[2]
