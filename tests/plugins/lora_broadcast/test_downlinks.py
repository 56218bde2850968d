import asyncio

import pytest

from cse.network import DeliveryFailed
from plugins.lora_broadcast.downlinks import Downlinks
from plugins.lora_broadcast.network_server import (
    Completed,
    Downlink,
    Drop,
    Dropped,
    Event,
    NoNetworkServer,
    Offline,
    Queued,
    Sent,
    UnicastDownlink,
)

COMMAND = UnicastDownlink("1", "device", 10, b"", 1000)


async def carried_out(*events: Event) -> list[tuple[int, float]]:
    """What is counted as transmitted when these events follow the command."""
    counted: list[tuple[int, float]] = []
    sent: list[Downlink] = []
    downlinks = Downlinks(sent.append)
    task = asyncio.create_task(downlinks.carry_out(COMMAND, lambda *one: counted.append(one)))
    await asyncio.sleep(0)
    assert sent == [COMMAND]
    for event in events:
        downlinks.learn(event)
    await task
    return counted


async def test_every_transmission_counts_until_it_is_complete() -> None:
    events = Sent("1", "a", 1500), Sent("other", "a", 7), Sent("1", "b", 1500), Completed("1"), Completed("other")
    assert await carried_out(*events) == [(1, 1.5), (1, 1.5)]


async def test_one_that_waits_for_its_device_is_not_waited_for_and_counts_when_it_is_sent() -> None:
    assert await carried_out(Queued("1"), Sent("1", "a", 1500), Completed("1")) == [(1, 1.5)]


async def test_a_drop_fails_with_its_reason() -> None:
    with pytest.raises(DeliveryFailed, match="DUTY_CYCLE: no time left"):
        await carried_out(Dropped("1", Drop.DUTY_CYCLE, "no time left"))


async def test_a_lost_connection_fails_everything() -> None:
    with pytest.raises(DeliveryFailed, match="gone"):
        await carried_out(Offline("gone"))


async def test_without_a_network_server_nothing_is_carried_out() -> None:
    server = NoNetworkServer("set it up")
    downlinks = Downlinks(server.send)
    await server.start(downlinks.learn)
    with pytest.raises(DeliveryFailed, match="DISCONNECTED: set it up"):
        await downlinks.carry_out(COMMAND, lambda *one: None)
