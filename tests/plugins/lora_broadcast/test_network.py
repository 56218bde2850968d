import asyncio
from dataclasses import replace

import cbor2
import pytest

from cse.config import ConfigurationError, Settings
from cse.network import DeliveryFailed, Host, Reason, Unreachable
from cse.testing.engine import RecordingEngine
from plugins.lora_broadcast import register_networks, register_settings
from plugins.lora_broadcast.network_server import MemberFacts, Membership, Offline, Uplink
from plugins.lora_broadcast.radio.simulation import Scenario, Simulation, dev_eui
from plugins.lora_broadcast.regions import REGIONS
from plugins.lora_broadcast.settings import LoRaSettings
from tests.plugins.lora_broadcast.kit import (
    GROUP,
    FreeRunning,
    build_meters,
    delivery_of,
    device_request,
    hosts_of,
    one_gateway,
)
from tests.plugins.lora_broadcast.scene import Scene, Start, refusals


async def test_a_broadcast_and_its_repeat_use_one_number_and_the_repeat_is_answered_only_by_those_it_reached_first(
    scene: Scene,
) -> None:
    await scene.join()
    scene.meters[dev_eui(2)].faults.deaf = True
    way = await scene.way(device_request(), broadcast=True)
    delivery, airtimes = delivery_of(device_request(), way, scene.hosts)
    await scene.deliver(delivery)
    assert len(scene.answered("r1")) == 5
    scene.meters[dev_eui(2)].faults.deaf = False
    again, more = delivery_of(device_request(), way, [scene.hosts[1]], attempt=2)
    await scene.deliver(again)
    assert sorted(scene.answered("r1")) == sorted(host.id for host in scene.hosts)
    assert airtimes == more
    assert {meter.executions for meter in scene.meters.values()} == {1}


async def test_a_unicast_repeat_is_answered_from_memory(scene: Scene) -> None:
    way = await scene.way(device_request(), broadcast=False)
    for attempt in (1, 2):
        delivery, airtimes = delivery_of(device_request(), way, scene.hosts[:1], attempt=attempt)
        await scene.deliver(delivery, 60)
        assert len(airtimes) == 1
    assert scene.answered("r1") == ["Clora0001"] * 2
    assert scene.meters[dev_eui(1)].executions == 1
    response = scene.engine.answers[0].response
    assert (response.status_code, response.content) == (2000, {"m2m:cin": {"con": '{"interval":900.0}'}})


async def test_every_gateway_counts(start: Start) -> None:
    made = await start(Scene(Scenario(gateways=3, radius=4000.0, shadowing=0.0, seed=2), count=40))
    await made.join()
    way = await made.way(device_request(), broadcast=True)
    delivery, airtimes = delivery_of(device_request(), way, made.hosts)
    await made.deliver(delivery, 3600)
    assert len(airtimes) == 3
    assert [round(airtime) for airtime in airtimes] == pytest.approx([way.offer.airtime_ms] * 3, abs=1)


async def test_a_dropped_downlink_fails_with_its_reason(scene: Scene) -> None:
    way = await scene.way(device_request(), broadcast=False)
    delivery, airtimes = delivery_of(
        replace(device_request(), content="x" * 4000), way, scene.hosts[:1], deadline=scene.engine.clock.now() + 60
    )
    with pytest.raises(DeliveryFailed, match=r"PAYLOAD_TOO_LARGE: \d+ bytes need 19 fragments"):
        await scene.deliver(delivery)
    assert airtimes == []


async def test_nothing_is_sent_after_the_deadline(scene: Scene) -> None:
    way = await scene.way(device_request(), broadcast=False)
    first, _ = delivery_of(device_request(), way, scene.hosts[:1])
    late, airtimes = delivery_of(device_request(), way, scene.hosts[:1], deadline=scene.engine.clock.now() + 1)
    task = asyncio.create_task(scene.network.deliver(first))
    await asyncio.sleep(0)
    with pytest.raises(DeliveryFailed, match="EXPIRED"):
        await scene.deliver(late)
    await task
    assert airtimes == []


async def test_who_stops_waiting_still_has_the_transmission_counted(scene: Scene) -> None:
    delivery, airtimes = delivery_of(
        device_request(), await scene.way(device_request(), broadcast=False), scene.hosts[:1]
    )
    task = asyncio.create_task(scene.network.deliver(delivery))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    scene.simulation.run(60)
    assert len(airtimes) == 1
    assert scene.answered("r1") == ["Clora0001"]


async def test_a_lost_connection_fails_what_is_under_way_and_offers_nothing(scene: Scene) -> None:
    delivery, _ = delivery_of(device_request(), await scene.way(device_request(), broadcast=False), scene.hosts[:1])
    task = asyncio.create_task(scene.network.deliver(delivery))
    await asyncio.sleep(0)
    scene.simulation.receive(Offline("the mast has fallen"))
    with pytest.raises(DeliveryFailed, match="the mast has fallen"):
        await task
    (reach,) = await scene.reaches(device_request(), scene.hosts[:1])
    assert reach == [Unreachable("lora-broadcast", Reason.OFFLINE, "the mast has fallen")]


# Restarts.


async def test_numbers_owners_and_groups_survive_a_restart(scene: Scene) -> None:
    await scene.join()
    delivery, _ = delivery_of(device_request(), await scene.way(device_request(), broadcast=True), scene.hosts)
    await scene.deliver(delivery)
    await scene.network.stop()
    scene.engine.answers.clear()

    await scene.network.start(scene.engine)
    scene.simulation.receive(Uplink(dev_eui(1), 99, 10, cbor2.dumps([1, 2000, None])))
    assert scene.answered("r1") == ["Clora0001"]
    again, _ = delivery_of(device_request(), await scene.way(device_request(), broadcast=True), scene.hosts)
    await scene.deliver(again)
    assert {meter.executions for meter in scene.meters.values()} == {1}
    later, _ = delivery_of(device_request("r2", 60), await scene.way(device_request("r2"), broadcast=True), scene.hosts)
    await scene.deliver(later)
    assert {meter.interval for meter in scene.meters.values()} == {60.0}


async def test_a_network_server_that_has_forgotten_everything_gets_the_groups_again(start: Start) -> None:
    made = await start(Scene(count=3))
    await made.join()
    await made.network.prepare("gone", made.hosts)
    await made.network.prepare("gone", [])
    await made.network.stop()
    made.simulation = Simulation(one_gateway(), made.meters)
    made.server = FreeRunning(made.simulation)
    await made.network.start(made.engine)
    made.simulation.run(120)
    members = [event for event in made.simulation.facts() if isinstance(event, MemberFacts)]
    assert {(event.group, event.membership) for event in members} == {(GROUP, Membership.JOINED)}
    assert len(members) == 3


async def test_what_has_been_learnt_is_saved_every_few_seconds(scene: Scene) -> None:
    await scene.reaches(device_request())
    table = scene.engine.documents("lora-broadcast-devices").table("owners")
    assert len(table) == 0
    await scene.engine.clock.advance(5)  # type: ignore[attr-defined]
    assert table.all()[0]["values"][dev_eui(1)] == "Clora0001"


# Configuration.


async def test_without_a_network_server_everything_is_offline_and_the_setting_named() -> None:
    (network,) = register_networks(Settings())
    await network.start(RecordingEngine())
    await network.prepare(GROUP, hosts_of(build_meters(3)))
    reaches = await network.offers([*hosts_of(build_meters(1)), Host("Cx", ())], device_request(), GROUP)
    (reach,) = reaches[0]
    assert isinstance(reach, Unreachable)
    assert reach.reason is Reason.OFFLINE
    assert "network_server in [lora-broadcast]" in reach.detail
    assert refusals(reaches[1]) == {"lora-broadcast": Reason.NO_POA}
    await network.stop()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"network_server": "localhost:1680"}, "must be an IP address and a port"),
        ({"network_server": "192.0.2.1:1680"}, "needs 192.0.2.1 in allowed_targets"),
    ],
)
async def test_a_network_server_that_cannot_be_used(values: dict[str, str], sentence: str) -> None:
    (network,) = register_networks(Settings({"lora-broadcast": values}))
    with pytest.raises(ConfigurationError, match=sentence):
        await network.start(RecordingEngine())


@pytest.mark.parametrize("values", [{"speed": 0}, {"speed": -1}, {"collision_ppm": 0}, {"collision_ppm": 2_000_000}])
def test_impossible_settings_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(values))):
        register_networks(Settings({"lora-broadcast": values}))


def test_the_settings_are_registered() -> None:
    assert register_settings() == [LoRaSettings]


@pytest.mark.parametrize("region", REGIONS)
async def test_a_broadcast_in_each_region(start: Start, region: str) -> None:
    made = await start(Scene(replace(one_gateway(), region=region)))
    await made.join()
    delivery, airtimes = delivery_of(device_request(), await made.way(device_request(), broadcast=True), made.hosts)
    await made.deliver(delivery)
    assert sorted(made.answered("r1")) == [host.id for host in made.hosts]
    rate = REGIONS[region].data_rates[REGIONS[region].downlink_rate(REGIONS[region].uplink_rates[-1])]
    assert airtimes == [rate.airtime(delivery.offer.payload, uplink=False) / 1000]
