"""Long work leaves others their turn."""

import asyncio
import threading

from cse.slices import SLICE, aside, in_slices, let_go


async def test_others_have_their_turn_between_slices() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    items = [item async for item in in_slices(range(3 * SLICE + 1))]
    task.cancel()
    assert items == list(range(3 * SLICE + 1))
    assert turns == 3


async def test_only_big_work_goes_to_a_thread() -> None:
    assert await aside(SLICE, threading.get_ident) == threading.get_ident()
    assert await aside(SLICE + 1, threading.get_ident) != threading.get_ident()


async def test_collections_are_emptied_in_slices() -> None:
    items, names = list(range(2 * SLICE)), dict.fromkeys(range(2 * SLICE))
    await let_go(items, names)
    assert (items, names) == ([], {})
