"""One delivery at a time to each host, and what networks allow, for all fan-outs together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cse.network import Policy
from cse.testing.clock import ManualClock, settle
from cse.traffic import Traffic
from plugins.loopback import Loopback


class Counted(Loopback):
    policy = Policy(parallel=2, rate=100.0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def traffic(clock: ManualClock) -> Traffic:
    return Traffic(clock, {"loopback": Loopback(), "counted": Counted()})


@asynccontextmanager
async def running(*work: object) -> AsyncIterator[list["asyncio.Task[None]"]]:
    tasks = [asyncio.ensure_future(each) for each in work]  # type: ignore[call-overload]
    await settle()
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_host_gets_one_delivery_at_a_time_whatever_the_network(traffic: Traffic) -> None:
    inside: list[str] = []
    go_on = asyncio.Event()

    async def deliver(network: str, *hosts: str) -> None:
        async with traffic.unicast(network, *hosts):
            inside.append(network)
            await go_on.wait()

    async def tell() -> None:
        async with traffic.turn("Cm1"):
            inside.append("notification")

    async with running(deliver("loopback", "Cm1", "x://1"), deliver("counted", "Cm1", "y://1"), tell()) as tasks:
        assert inside == ["loopback"]
        go_on.set()
        await asyncio.wait(tasks)
    assert inside == ["loopback", "counted", "notification"]


async def test_a_network_carries_no_more_at_a_time_than_its_policy_says(traffic: Traffic) -> None:
    inside: list[str] = []

    async def deliver(host: str) -> None:
        async with traffic.unicast("counted", host):
            inside.append(host)
            await asyncio.Event().wait()

    async with running(*(deliver(f"C{number}") for number in range(5))):
        assert inside == ["C0", "C1"]


async def test_repetitions_of_a_delivery_are_charged(traffic: Traffic, clock: ManualClock) -> None:
    ticket = await traffic.broadcast("counted")
    ticket.transmitted(1)
    ticket.transmitted(29)  # of the ten that had been saved up there were nine left
    waiting = asyncio.create_task(traffic.broadcast("counted"))
    await clock.advance(0.19)
    assert not waiting.done()
    await clock.advance(0.03)
    assert waiting.done()
