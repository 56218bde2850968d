"""Requests that do not fit one frame, from the plugin to the meters and back."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cse.network import DeliveryFailed
from cse.primitive import Request
from cse.protection import Keys, Refusal, Trust
from cse.protection.keys import NO_KEYS
from cse.protection.trust import NOBODY
from cse.testing.clock import settle
from plugins.lora_broadcast.fragments import PORT, Status
from plugins.lora_broadcast.frames import frame_sizes
from plugins.lora_broadcast.network_server import Uplink
from plugins.lora_broadcast.radio.simulation import dev_eui
from plugins.lora_broadcast.regions import EU868
from plugins.lora_broadcast.transport import Message, Transport
from tests.plugins.lora_broadcast.kit import GROUP, delivery_of, device_request
from tests.plugins.lora_broadcast.scene import Scene, Start

ROOM = 51


def large_request(identifier: str = "r1", size: int = 300) -> Request:
    """One of so many bytes and a little more."""
    request = device_request(identifier)
    assert isinstance(request.content, dict)
    notification = {**request.content["m2m:sgn"], "sur": "x" * size}
    return replace(request, content={"m2m:sgn": notification})


async def slow_scene(start: Start, count: int = 12, keys: Keys = NO_KEYS, trust: Trust = NOBODY) -> Scene:
    """All devices at data rate 0, with their sessions."""
    made = Scene(count=count, keys=keys, trust=trust)
    for device in made.simulation.medium.devices.values():
        device.data_rate = 0
    await start(made)
    await made.join()
    return made


async def carry(made: Scene, request: Request, *, broadcast: bool = True, hosts: Any = None) -> list[float]:
    """Deliver while virtual time and the server's clock pass alike; the airtimes of the transmissions."""
    hosts = made.hosts if hosts is None else hosts
    way = await made.way(request, broadcast=broadcast, hosts=hosts)
    delivery, airtimes = delivery_of(request, way, hosts)
    task = asyncio.create_task(made.network.deliver(delivery))
    while not task.done():
        made.simulation.run(1)
        await made.engine.clock.advance(1)  # type: ignore[attr-defined]
        await settle()
    await task
    made.simulation.run(600)
    return airtimes


async def test_a_request_in_fragments_is_carried_out_and_answered_by_everybody(start: Start) -> None:
    made = await slow_scene(start)
    offer = (await made.way(large_request(), broadcast=True)).offer
    airtimes = await carry(made, large_request())
    assert sorted(made.answered("r1")) == [host.id for host in made.hosts]
    assert {meter.executions for meter in made.meters.values()} == {1}
    sizes = frame_sizes(offer.payload, ROOM)
    expected = [EU868.data_rates[0].airtime(size, uplink=False) / 1000 for size in sizes]
    assert airtimes == expected
    assert offer.airtime_ms == pytest.approx(sum(expected), abs=1)


async def test_a_signed_request_goes_in_fragments_at_the_slowest_data_rate(start: Start) -> None:
    keys = Keys(signing=Ed25519PrivateKey.from_private_bytes(bytes(32)))
    made = await slow_scene(start, 3, keys, Trust.of("/id-in", [keys.public]))
    airtimes = await carry(made, device_request())
    assert len(airtimes) == len(frame_sizes(33 + 64, ROOM)) == 7
    assert sorted(made.answered("r1")) == [host.id for host in made.hosts]


async def test_a_request_in_fragments_by_somebody_else_is_refused(start: Start) -> None:
    keys, others = (Keys(signing=Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in (1, 2))
    made = await slow_scene(start, 3, keys, Trust.of("/id-in", [others.public]))
    await carry(made, device_request())
    assert {meter.executions for meter in made.meters.values()} == {0}
    assert {meter.refused[Refusal.FORGED] for meter in made.meters.values()} == {1}


async def test_devices_that_lack_fragments_say_so_and_get_more(start: Start) -> None:
    made = await slow_scene(start, 30)
    for meter in made.meters.values():
        meter.faults.request_loss = 0.15
    airtimes = await carry(made, large_request())
    sizes = frame_sizes((await made.way(large_request(), broadcast=True)).offer.payload, ROOM)
    assert len(airtimes) > len(sizes)
    assert sum(meter.executions for meter in made.meters.values()) >= 27


async def test_a_broadcast_repeated_in_fragments_makes_nobody_act_twice(start: Start) -> None:
    made = await slow_scene(start)
    made.meters[dev_eui(2)].faults.deaf = True
    await carry(made, large_request())
    made.meters[dev_eui(2)].faults.deaf = False
    await carry(made, large_request())
    assert {meter.executions for meter in made.meters.values()} == {1}
    assert sorted(made.answered("r1")) == [host.id for host in made.hosts]


async def test_a_unicast_in_fragments_is_answered_from_memory_when_it_is_repeated(start: Start) -> None:
    made = await slow_scene(start)
    for _ in range(2):
        await carry(made, large_request(), broadcast=False, hosts=made.hosts[:1])
    assert made.answered("r1") == ["Clora0001"] * 2
    assert [meter.executions for meter in made.meters.values()] == [1] + [0] * 11


async def test_requests_follow_one_another(start: Start) -> None:
    made = await slow_scene(start)
    for number in range(6):
        await carry(made, large_request(f"r{number}", 60 + number))
    assert {meter.executions for meter in made.meters.values()} == {6}


async def test_a_request_that_fits_one_frame_is_sent_as_it_is() -> None:
    sent: list[tuple[int, bytes]] = []

    async def send(port: int, payload: bytes) -> None:
        sent.append((port, payload))

    await Transport(0, asyncio.sleep).carry(Message(1, 10, bytes(51), 51), send)
    assert sent == [(10, bytes(51))]


async def test_what_needs_too_many_fragments_is_not_begun() -> None:
    async def send(port: int, payload: bytes) -> None:
        raise AssertionError(port)

    with pytest.raises(DeliveryFailed, match=r"PAYLOAD_TOO_LARGE: 96 bytes need 3 fragments; max_fragments is 2"):
        await Transport(2, asyncio.sleep).carry(Message(1, 10, bytes(96), 51), send)


async def test_what_fails_half_way_is_over() -> None:
    async def send(port: int, payload: bytes) -> None:
        raise DeliveryFailed("gone")

    transport = Transport(16, asyncio.sleep)
    for _ in range(2):
        with pytest.raises(DeliveryFailed, match="gone"):
            await transport.carry(Message(1, 10, bytes(96), 51), send)


@pytest.mark.parametrize("payload", [b"", Status(1, 3, 2).encode()])
async def test_reports_that_nobody_has_asked_for_are_ignored(payload: bytes) -> None:
    transport = Transport(16, asyncio.sleep)
    transport.learn(Uplink(dev_eui(1), 1, PORT, payload))
    assert transport._missing == {}


async def test_large_requests_are_offered_unless_that_is_switched_off(start: Start) -> None:
    made = await slow_scene(start)
    for way in ((await made.reaches(large_request()))[0][0], (await made.reaches(large_request()))[0][1]):
        assert way.offer.payload <= way.offer.max_payload == 16 * 48 - 1  # type: ignore[union-attr]
        assert GROUP in way.address or made.meters[way.address]  # type: ignore[union-attr]
