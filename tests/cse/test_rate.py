"""The token bucket: never more than the rate and a short burst, and nobody is overtaken."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from cse.rate import BURST, TokenBucket
from cse.testing.clock import ManualClock, settle


async def test_without_a_rate_nobody_waits() -> None:
    bucket = TokenBucket(ManualClock(), 0.0)
    for _ in range(1000):
        await bucket.take()


@settings(max_examples=20)
@given(rate=st.sampled_from([0.5, 1.0, 3.0, 40.0]), steps=st.lists(st.floats(0.01, 2.0), min_size=1, max_size=4))
def test_in_any_time_no_more_come_than_the_rate_allows(rate: float, steps: list[float]) -> None:
    asyncio.run(_keeps_to(rate, steps))


async def _keeps_to(rate: float, steps: list[float]) -> None:
    clock, taken = ManualClock(), []
    bucket, began = TokenBucket(clock, rate), clock.now()

    async def take(name: int) -> None:
        await bucket.take()
        taken.append((name, clock.now()))

    tasks = [asyncio.create_task(take(name)) for name in range(40)]
    for step in steps:
        await clock.advance(step)
    assert [name for name, _ in taken] == list(range(len(taken)))
    burst = max(1.0, rate * BURST)
    for index, (_, moment) in enumerate(taken):
        assert index + 1 <= rate * (moment - began) + burst + 1e-6
    assert len(taken) >= min(40, int(rate * (sum(steps) - 0.1)))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_is_charged_is_waited_for_and_who_gives_up_takes_nothing() -> None:
    clock, taken = ManualClock(), []
    bucket = TokenBucket(clock, 1.0)

    async def take(name: str) -> None:
        await bucket.take()
        taken.append(name)

    bucket.charge(3)
    given_up, patient = asyncio.create_task(take("given up")), asyncio.create_task(take("patient"))
    await settle()
    given_up.cancel()
    await clock.advance(2.9)
    assert taken == []
    await clock.advance(0.2)
    assert taken == ["patient"]
    await patient
