"""What keeps the event loop from its work is seen, once."""

import asyncio
import time

from cse.stalls import INTERVAL, Stalls

STALL = 0.05


async def test_the_longest_stall_is_remembered_until_somebody_asks() -> None:
    stalls = Stalls()
    watch = asyncio.create_task(stalls.watch())
    await asyncio.sleep(0)
    time.sleep(STALL)  # noqa: ASYNC251 - what nobody should do
    await asyncio.sleep(2 * INTERVAL)
    assert stalls.take() >= STALL - INTERVAL
    assert stalls.take() == 0
    watch.cancel()
