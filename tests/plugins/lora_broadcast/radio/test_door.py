import asyncio
from collections.abc import AsyncIterator, Coroutine

import pytest

from cse.network import Host, Way
from cse.testing.clock import ManualClock, settle
from cse.testing.engine import RecordingEngine
from plugins.lora_broadcast.network import LoRaBroadcast
from plugins.lora_broadcast.network_server import (
    Command,
    Completed,
    DeviceFacts,
    Event,
    GatewayFacts,
    GroupFacts,
    MemberFacts,
    Ready,
    Sent,
    SetGroup,
    UnicastDownlink,
    Uplink,
)
from plugins.lora_broadcast.radio import door as door_module
from plugins.lora_broadcast.radio.door import Door
from plugins.lora_broadcast.radio.simulation import Scenario, Simulation, dev_eui
from plugins.lora_broadcast.settings import LoRaSettings
from plugins.lora_broadcast.wire import LONGEST_LINE, decode, encode
from tests.plugins.lora_broadcast.kit import GROUP, build_meters, delivery_of, device_request, hosts_of, one_gateway

SPEED = 100.0


class Visitor:
    """A client of the door."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, command: Command | Event) -> None:
        self.writer.write(encode(command))

    async def read_until(self, kind: type[Event]) -> list[Command | Event]:
        """Everything up to and including the first of this kind."""
        read: list[Command | Event] = []
        async with asyncio.timeout(10):
            while not read or not isinstance(read[-1], kind):
                read.append(decode(await self.reader.readline()))
        return read

    async def is_disconnected(self) -> bool:
        async with asyncio.timeout(10):
            try:
                while await self.reader.readline():
                    pass
            except ConnectionError:
                pass
        return True


class Scene:
    """A door on a clock that stands still."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.simulation = Simulation(one_gateway(), build_meters(3))
        self.door = Door(self.simulation, SPEED, self.clock)
        self.visitors: list[Visitor] = []
        self.port = 0

    async def visit(self) -> Visitor:
        visitor = Visitor(*await asyncio.open_connection("127.0.0.1", self.port))
        self.visitors.append(visitor)
        return visitor


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    async with made.door.open("127.0.0.1", 0) as port:
        made.port = port
        time = asyncio.create_task(made.door.let_time_pass())
        yield made
        time.cancel()
        await asyncio.gather(time, return_exceptions=True)
    for visitor in made.visitors:
        visitor.writer.close()
        await asyncio.gather(visitor.writer.wait_closed(), return_exceptions=True)
    await settle()


async def test_a_client_is_told_everything_first(scene: Scene) -> None:
    facts = await (await scene.visit()).read_until(Ready)
    assert [type(event) for event in facts] == [DeviceFacts] * 3 + [GatewayFacts, Ready]


async def test_virtual_time_is_a_multiple_of_the_clocks(scene: Scene) -> None:
    assert scene.simulation.kernel.now == 0
    await scene.clock.advance(3.0)
    assert scene.simulation.kernel.now == pytest.approx(300e6, rel=0.01)


async def test_commands_are_carried_out_and_events_told_to_every_client(scene: Scene) -> None:
    first, second = await scene.visit(), await scene.visit()
    for visitor in (first, second):
        await visitor.read_until(Ready)
    first.send(SetGroup(GROUP, (dev_eui(1), dev_eui(2))))
    first.send(UnicastDownlink("u1", dev_eui(3), 10, b"\x00", 60_000))
    await first.read_until(GroupFacts)
    await scene.clock.advance(0.1)
    for visitor in (first, second):
        told = await visitor.read_until(Completed)
        assert Completed("u1") in told
        assert [event.id for event in told if isinstance(event, Sent)] == ["u1"]
    third = await scene.visit()
    members = [event for event in await third.read_until(Ready) if isinstance(event, MemberFacts)]
    assert {member.device for member in members} == {dev_eui(1), dev_eui(2)}


@pytest.mark.parametrize("line", [b"nonsense\n", encode(Completed("1"))])
async def test_who_does_not_speak_the_language_is_disconnected_alone(scene: Scene, line: bytes) -> None:
    good, bad = await scene.visit(), await scene.visit()
    for visitor in (good, bad):
        await visitor.read_until(Ready)
    bad.writer.write(line)
    assert await bad.is_disconnected()
    good.send(SetGroup(GROUP, (dev_eui(1), dev_eui(2))))
    await good.read_until(GroupFacts)


async def test_lines_are_limited(scene: Scene) -> None:
    visitor = await scene.visit()
    await visitor.read_until(Ready)
    visitor.writer.write(b"x" * (LONGEST_LINE + 100_000))
    assert await visitor.is_disconnected()


async def test_clients_are_limited(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "MOST_CLIENTS", 1)
    await (await scene.visit()).read_until(Ready)
    assert await (await scene.visit()).is_disconnected()


async def test_a_client_that_does_not_read_is_disconnected(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "MOST_UNSENT", -1)
    visitor = await scene.visit()
    await visitor.read_until(Ready)
    scene.simulation.receive(Uplink(dev_eui(1), 1, 2, b""))
    assert await visitor.is_disconnected()


async def test_three_hundred_meters_over_tcp() -> None:
    """Set-up, broadcast and unicast repair as the engine goes about it."""
    speed, clock = 3000.0, ManualClock()
    meters = build_meters(300, seed=5, deaf=2, request_loss=0.05, interval=1800)
    hosts, engine, request = hosts_of(meters), RecordingEngine(clock), device_request()
    door = Door(Simulation(Scenario(seed=5), meters), speed, clock)
    async with door.open("127.0.0.1", 0) as port:
        time = asyncio.create_task(door.let_time_pass())
        network = LoRaBroadcast(LoRaSettings(network_server=f"127.0.0.1:{port}", speed=speed))
        await network.start(engine)
        await network.prepare(GROUP, hosts)
        while len(broadcasts := await _ways(network, hosts, broadcast=True)) < 298:
            await clock.advance(0.02)
        joined = [host for host in hosts if host.id in broadcasts]
        delivery, airtimes = delivery_of(request, broadcasts[joined[0].id], joined)
        await _while_time_passes(clock, network.deliver(delivery))
        assert len(airtimes) == 4
        await clock.advance(delivery.window)
        assert 270 < len(engine.answers) <= 298
        unicasts = await _ways(network, hosts, broadcast=False)
        while silent := [host for host in joined if host.id not in {one.originator for one in engine.answers}]:
            for host in silent:
                repair, _ = delivery_of(request, unicasts[host.id], [host])
                await _while_time_passes(clock, network.deliver(repair))
            await clock.advance(0.02)
        await network.stop()
        time.cancel()
        await asyncio.gather(time, return_exceptions=True)
    assert [meter.executions for meter in meters.values()].count(1) == 298
    assert {one.request_identifier for one in engine.answers} == {"r1"}
    assert len(engine.requests) > 0


async def _while_time_passes(clock: ManualClock, work: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(work)
    while not task.done():
        await clock.advance(0.02)
    await task


async def _ways(network: LoRaBroadcast, hosts: list[Host], *, broadcast: bool) -> dict[str, Way]:
    """The way of this kind by host, for those that have one."""
    reaches = await network.offers(hosts, device_request(), GROUP)
    return {
        host.id: way
        for host, reach in zip(hosts, reaches, strict=True)
        for way in reach
        if isinstance(way, Way) and way.offer.broadcast is broadcast
    }
