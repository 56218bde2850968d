import asyncio
import random

from cse.patience import TICK, Patience
from cse.testing.clock import ManualClock, settle


async def test_each_expires_when_its_time_has_come() -> None:
    clock, expired = ManualClock(), []
    patience = Patience(clock)
    moments = [clock.now() + random.Random(seed).uniform(0.1, 9.0) for seed in range(100)]
    for moment in moments:
        patience.hold(moment, moment, lambda moment=moment: expired.append((moment, clock.now())))
    await clock.advance(10.0)
    assert sorted(moment for moment, _ in expired) == sorted(moments)
    assert all(moment <= now <= moment + 2 * TICK for moment, now in expired)
    await patience.close()


async def test_what_has_ended_by_itself_does_not_expire() -> None:
    clock, expired = ManualClock(), []
    patience = Patience(clock)
    for key in "abc":
        patience.hold(key, clock.now() + 1, lambda key=key: expired.append(key))
    patience.drop("b")
    patience.hold("c", clock.now() + 5, lambda: expired.append("later"))
    await clock.advance(2.0)
    assert expired == ["a"]
    await clock.advance(4.0)
    assert expired == ["a", "later"]
    await patience.close()


async def test_an_earlier_one_does_not_wait_for_a_later_one() -> None:
    clock, expired = ManualClock(), []
    patience = Patience(clock)
    patience.hold("later", clock.now() + 100, lambda: expired.append("later"))
    await clock.advance(1.0)
    patience.hold("earlier", clock.now() + 1, lambda: expired.append("earlier"))
    await clock.advance(1.1)
    assert expired == ["earlier"]
    await patience.close()


async def test_it_begins_again_after_a_rest() -> None:
    clock, expired = ManualClock(), []
    patience = Patience(clock)
    for _ in range(3):
        patience.hold("key", clock.now() + 1, lambda: expired.append("key"))
        await clock.advance(2.0)
    assert expired == ["key"] * 3
    await patience.close()


async def test_nothing_expires_after_the_end() -> None:
    clock, expired = ManualClock(), []
    patience = Patience(clock)
    patience.hold("key", clock.now() + 1, lambda: expired.append("key"))
    await patience.close()
    await clock.advance(2.0)
    assert expired == []


async def test_work_that_takes_too_long_is_ended() -> None:
    clock = ManualClock()
    patience = Patience(clock)
    waiting = asyncio.create_task(patience.within(10, asyncio.Event().wait()))
    await clock.advance(9.9)
    assert not waiting.done()
    await clock.advance(0.2)
    assert await waiting is False
    assert waiting.cancelling() == 0
    assert await patience.within(10, clock.sleep(0)) is True
    await clock.advance(20.0)
    await patience.close()


async def test_work_that_is_ended_may_have_its_last_word() -> None:
    clock = ManualClock()
    patience = Patience(clock)

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await clock.sleep(0)

    waiting = asyncio.create_task(patience.within(10, stubborn()))
    await clock.advance(11.0)
    assert await waiting is True
    assert waiting.cancelling() == 0


async def test_who_is_cancelled_by_somebody_else_stays_cancelled() -> None:
    patience = Patience(ManualClock())
    waiting = asyncio.create_task(patience.within(10, asyncio.Event().wait()))
    await settle()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    await patience.close()
