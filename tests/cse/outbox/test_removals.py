"""What has been carried out is struck off together, and nobody waits for that."""

import asyncio

from cse.outbox.removals import Removals
from cse.testing.clock import settle


async def test_what_comes_meanwhile_goes_together_in_the_next_unit() -> None:
    struck: list[list[int]] = []
    gate = asyncio.Event()

    async def strike(numbers: list[int]) -> None:
        struck.append(numbers)
        await gate.wait()

    removals = Removals(strike)
    task = asyncio.create_task(removals.run())
    for number in range(1, 6):
        removals.add(number)
        await settle()
    assert (struck, removals.waiting) == ([[1]], [1, 2, 3, 4, 5])
    gate.set()
    await settle()
    assert (struck, removals.waiting) == ([[1], [2, 3, 4, 5]], [])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
