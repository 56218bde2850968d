import asyncio
from dataclasses import replace
from typing import Any

import pytest

from cse.network import DeliveryFailed, Host, Reason
from cse.primitive import Operation
from plugins.lora_broadcast.network_server import DeviceFacts
from plugins.lora_broadcast.radio.simulation import dev_eui
from plugins.lora_broadcast.regions import EU868
from plugins.lora_broadcast.settings import LoRaSettings
from tests.plugins.lora_broadcast.kit import GROUP, delivery_of, device_request, one_gateway
from tests.plugins.lora_broadcast.scene import BROADCAST, Scene, Start, refusals, ways


async def test_before_the_set_up_only_unicast_is_offered(scene: Scene) -> None:
    for reach in await scene.reaches(device_request()):
        assert [way.offer.id for way in ways(reach)] == ["lora-unicast:dr5"]
        assert refusals(reach) == {BROADCAST: Reason.NOT_JOINED}


async def test_after_the_set_up_all_share_the_broadcast(scene: Scene) -> None:
    await scene.join()
    reaches = await scene.reaches(device_request())
    assert {ways(reach)[1] for reach in reaches} == {await scene.way(device_request(), broadcast=True)}
    assert {ways(reach)[0].address for reach in reaches} == set(scene.meters)
    assert (await scene.way(device_request(), broadcast=True)).address == GROUP


async def test_a_request_to_a_single_host_is_no_broadcast(scene: Scene) -> None:
    await scene.join()
    assert all(
        not way.offer.broadcast for reach in await scene.reaches(device_request(), group="") for way in ways(reach)
    )


async def test_the_payload_is_what_is_sent(scene: Scene) -> None:
    await scene.join()
    offered = (await scene.way(device_request(), broadcast=True)).offer.payload
    delivery, airtimes = delivery_of(device_request(), await scene.way(device_request(), broadcast=True), scene.hosts)
    await scene.deliver(delivery)
    assert airtimes == [EU868.data_rates[5].airtime(offered, uplink=False) / 1000]


@pytest.mark.parametrize(
    "poa", ["lora://", "lora://123", "lora://020000000000000g", "http://127.0.0.1/", "lora://0200000000000001x"]
)
async def test_a_host_without_a_dev_eui_has_no_point_of_access(scene: Scene, poa: str) -> None:
    (reach,) = await scene.reaches(device_request(), [Host("Cx", (poa,))])
    assert refusals(reach) == {"lora-broadcast": Reason.NO_POA}


async def test_the_dev_eui_may_be_written_in_capitals(scene: Scene) -> None:
    host = Host("Clora0001", ("http://127.0.0.1/", f"lora://{dev_eui(1).upper()}"))
    assert ways((await scene.reaches(device_request(), [host]))[0])[0].address == dev_eui(1)


async def test_only_device_requests_are_carried(scene: Scene) -> None:
    update = replace(device_request(), operation=Operation.UPDATE)
    reaches = await scene.reaches(update, [*scene.hosts, Host("Cx", ())])
    assert refusals(reaches[0]) == {"lora-broadcast": Reason.OPERATION}
    assert refusals(reaches[-1]) == {"lora-broadcast": Reason.NO_POA}


async def test_a_device_that_the_network_server_does_not_know_is_offline(scene: Scene) -> None:
    (reach,) = await scene.reaches(device_request(), [Host("Cx", (f"lora://{dev_eui(99)}",))])
    assert refusals(reach) == {"lora-broadcast": Reason.OFFLINE}
    assert dev_eui(99) in reach[0].detail  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"region": "US915"}, Reason.REGION),
        ({"gateways": ()}, Reason.OFFLINE),
        ({"tag": "Csomebody"}, Reason.SECURITY),
    ],
)
async def test_a_device_that_is_not_fit_says_why(start: Start, changes: dict[str, Any], reason: Reason) -> None:
    made = Scene()
    made.server.alter = lambda event: replace(event, **changes) if isinstance(event, DeviceFacts) else event
    await start(made)
    assert refusals((await made.reaches(device_request()))[0]) == {"lora-broadcast": reason}


async def test_without_a_tag_a_device_belongs_to_the_first_ae_that_names_it(start: Start) -> None:
    made = Scene()
    made.server.alter = lambda event: replace(event, tag="") if isinstance(event, DeviceFacts) else event
    await start(made)
    thief = Host("Cthief", (f"lora://{dev_eui(1)}",))
    assert ways((await made.reaches(device_request(), [made.hosts[0]]))[0])
    assert refusals((await made.reaches(device_request(), [thief]))[0]) == {"lora-broadcast": Reason.SECURITY}
    await made.network.stop()
    await made.network.start(made.engine)
    assert refusals((await made.reaches(device_request(), [thief]))[0]) == {"lora-broadcast": Reason.SECURITY}


async def test_a_large_request_is_offered_with_its_size(scene: Scene) -> None:
    await scene.join()
    large = replace(device_request(), content={"m2m:sgn": {"sur": "x" * 300}})
    for way in ways((await scene.reaches(large))[0]):
        assert way.offer.max_payload == 16 * 219 - 1 > way.offer.payload > 222


async def test_the_budget_is_what_the_gateways_have_left(scene: Scene) -> None:
    await scene.join()
    before = (await scene.way(device_request(), broadcast=True)).offer
    assert before.budget_key == "gateway-1/869.4-869.65"
    assert before.budget_ms is not None
    assert 359_000 < before.budget_ms < 360_000
    delivery, airtimes = delivery_of(device_request(), await scene.way(device_request(), broadcast=True), scene.hosts)
    await scene.deliver(delivery)
    after = (await scene.way(device_request("r2"), broadcast=True)).offer
    assert after.budget_ms == pytest.approx(before.budget_ms - sum(airtimes), abs=1)


# Who hears a broadcast.


async def test_a_few_who_are_not_meant_are_named_and_ignore_it(scene: Scene) -> None:
    await scene.join()
    way = await scene.way(device_request(), broadcast=True, hosts=scene.hosts[:3])
    delivery, _ = delivery_of(device_request(), way, scene.hosts[:3])
    await scene.deliver(delivery)
    assert [meter.executions for meter in scene.meters.values()] == [1, 1, 1, 0, 0, 0]
    assert sorted(scene.answered("r1")) == ["Clora0001", "Clora0002", "Clora0003"]


async def test_with_many_who_are_not_meant_there_is_no_broadcast(scene: Scene) -> None:
    await scene.join()
    (reach,) = await scene.reaches(device_request(), scene.hosts[:1])
    assert refusals(reach) == {BROADCAST: Reason.SECURITY}
    assert [way.address for way in ways(reach)] == [dev_eui(1)]


async def test_later_rounds_ask_for_the_silent_only_and_still_get_the_broadcast(scene: Scene) -> None:
    await scene.join()
    await scene.reaches(device_request())
    way = await scene.way(device_request(), broadcast=True, hosts=scene.hosts[:1])
    delivery, _ = delivery_of(device_request(), way, scene.hosts[:1], attempt=2)
    await scene.deliver(delivery)
    assert {meter.executions for meter in scene.meters.values()} == {1}


async def test_one_who_may_have_heard_the_set_up_counts_as_a_listener(start: Start) -> None:
    """The set-up was received and its acknowledgement lost: the device listens although it is not joined."""
    made = await start(Scene(count=3))
    made.simulation.medium.uplink = lambda device, *reception: (
        made.simulation.server.uplink(device, *reception) if device.eui != dev_eui(3) else None
    )
    await made.join()
    assert refusals((await made.reaches(device_request()))[2]) == {BROADCAST: Reason.NOT_JOINED}
    others = made.hosts[:2]
    delivery, _ = delivery_of(
        device_request("r2"), await made.way(device_request("r2"), broadcast=True, hosts=others), others
    )
    await made.deliver(delivery)
    assert [meter.executions for meter in made.meters.values()] == [1, 1, 0]


async def test_one_who_has_left_and_not_acknowledged_it_is_named(scene: Scene) -> None:
    await scene.join()
    for meter in scene.meters.values():
        meter.faults.deaf = True
    await scene.join(scene.hosts[:4])
    for meter in scene.meters.values():
        meter.faults.deaf = False
    assert refusals((await scene.reaches(device_request("other")))[4]) == {BROADCAST: Reason.NOT_JOINED}
    way = await scene.way(device_request(), broadcast=True, hosts=scene.hosts[:4])
    delivery, _ = delivery_of(device_request(), way, scene.hosts[:4])
    await scene.deliver(delivery, 60)
    assert [meter.executions for meter in scene.meters.values()] == [1, 1, 1, 1, 0, 0]


async def test_a_group_that_has_grown_too_much_since_the_offer_is_not_sent_to(start: Start) -> None:
    made = await start(Scene(count=8))
    await made.join(made.hosts[:3])
    way = await made.way(device_request(), broadcast=True, hosts=made.hosts[:3])
    await made.join()
    delivery, airtimes = delivery_of(device_request(), way, made.hosts[:3])
    with pytest.raises(DeliveryFailed, match="max_exclusions"):
        await made.deliver(delivery)
    assert airtimes == []


async def test_a_group_of_one_has_no_session(scene: Scene) -> None:
    await scene.join(scene.hosts[:1])
    assert refusals((await scene.reaches(device_request(), scene.hosts[:1]))[0]) == {BROADCAST: Reason.NOT_JOINED}
    await scene.join(scene.hosts[:2])
    assert len(ways((await scene.reaches(device_request(), scene.hosts[:2]))[0])) == 2
    await scene.join([])
    assert len(ways((await scene.reaches(device_request(), scene.hosts[:2]))[0])) == 1


async def test_a_sleeping_device_in_the_group_does_not_stand_in_the_way(start: Start) -> None:
    asleep = frozenset(map(dev_eui, (1, 2, 3, 4, 5)))
    made = await start(Scene(replace(one_gateway(), class_a=asleep), count=8))
    await made.join()
    reaches = await made.reaches(device_request())
    assert refusals(reaches[0]) == {BROADCAST: Reason.CLASS_A}
    assert len(ways(reaches[7])) == 2


async def test_a_device_of_class_a_gets_the_request_after_its_next_uplink(start: Start) -> None:
    asleep = frozenset({dev_eui(1)})
    made = await start(Scene(replace(one_gateway(), class_a=asleep), count=2, interval=600))
    way = await made.way(device_request(), broadcast=False)
    assert way.offer.latency_ms > 600_000
    delivery, airtimes = delivery_of(device_request(), way, made.hosts[:1])
    task = asyncio.create_task(made.network.deliver(delivery))
    await asyncio.wait_for(task, 10)
    assert airtimes == []
    made.simulation.run(700)
    assert (len(airtimes), made.answered("r1")) == (1, ["Clora0001"])


async def test_a_switched_device_of_class_a_hears_the_broadcast(start: Start) -> None:
    asleep = frozenset({dev_eui(1)})
    settings = LoRaSettings(switch_class_a=True)
    made = await start(Scene(replace(one_gateway(), class_a=asleep), count=3, settings=settings, interval=300))
    await made.join()
    delivery, _ = delivery_of(device_request(), await made.way(device_request(), broadcast=True), made.hosts)
    await made.deliver(delivery)
    assert sorted(set(made.answered("r1"))) == ["Clora0001", "Clora0002", "Clora0003"]


async def test_a_device_that_the_network_server_has_forgotten_is_not_sent_to(scene: Scene) -> None:
    way = await scene.way(device_request(), broadcast=False)
    delivery, _ = delivery_of(device_request(), way._replace(address=dev_eui(77)), scene.hosts[:1])
    with pytest.raises(DeliveryFailed, match="knows no device"):
        await scene.deliver(delivery)
