"""Who holds a key makes others with the same key wait, in order."""

import asyncio

from cse.testing.clock import settle
from cse.turns import OneAtATime


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
