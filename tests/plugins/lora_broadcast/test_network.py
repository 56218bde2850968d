import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import cbor2
import pytest

from cse.config import ConfigurationError, Settings
from cse.network import Delivery, DeliveryFailed, Discard, Host, Reach, Reason, Unreachable, Way
from cse.primitive import Operation, Request
from cse.testing.clock import ManualClock, settle
from cse.testing.engine import RecordingEngine
from plugins.lora_broadcast import register_networks, register_settings
from plugins.lora_broadcast.airtime import DATA_RATES
from plugins.lora_broadcast.network import LoRaBroadcast
from plugins.lora_broadcast.network_server import (
    DeviceFacts,
    MemberFacts,
    Membership,
    Offline,
    Uplink,
)
from plugins.lora_broadcast.radio.simulation import Scenario, Simulation, dev_eui
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

BROADCAST = f"lora-broadcast:{GROUP}"


class Scene:
    """The network on a simulation that runs freely in this process, with an engine that records."""

    def __init__(self, scenario: Scenario | None = None, count: int = 6, **options: float) -> None:
        self.meters = build_meters(count, **options)
        self.hosts = hosts_of(self.meters)
        self.simulation = Simulation(scenario or one_gateway(), self.meters)
        self.server = FreeRunning(self.simulation)
        self.engine = RecordingEngine(ManualClock())
        self.network = LoRaBroadcast(LoRaSettings(), lambda clock: self.server)

    async def join(self, hosts: list[Host] | None = None) -> None:
        await self.network.prepare(GROUP, self.hosts if hosts is None else hosts)
        self.simulation.run(600)

    def reaches(self, request: Request, hosts: list[Host] | None = None, group: str = GROUP) -> list[Reach]:
        return self.network.offers(self.hosts if hosts is None else hosts, request, group)

    def way(self, request: Request, *, broadcast: bool, hosts: list[Host] | None = None) -> Way:
        """The way of this kind that the first of the hosts has."""
        return next(way for way in ways(self.reaches(request, hosts)[0]) if way.offer.broadcast is broadcast)

    async def deliver(self, delivery: Delivery, seconds: float = 600.0) -> None:
        """Deliver while virtual time passes."""
        task = asyncio.create_task(self.network.deliver(delivery))
        await asyncio.sleep(0)
        self.simulation.run(seconds)
        await task

    def answered(self, identifier: str) -> list[str]:
        return [answer.originator for answer in self.engine.answers if answer.request_identifier == identifier]


def ways(reach: Reach) -> list[Way]:
    return [entry for entry in reach if isinstance(entry, Way)]


def refusals(reach: Reach) -> dict[str, Reason]:
    return {entry.offer: entry.reason for entry in reach if isinstance(entry, Unreachable)}


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    await made.network.start(made.engine)
    yield made
    await made.network.stop()


Start = Callable[[Scene], Awaitable[Scene]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts the network of a scene; it is stopped after the test."""
    started: list[Scene] = []

    async def starter(made: Scene) -> Scene:
        await made.network.start(made.engine)
        started.append(made)
        return made

    yield starter
    for made in started:
        await made.network.stop()


# What is offered, and why not.


async def test_before_the_set_up_only_unicast_is_offered(scene: Scene) -> None:
    for reach in scene.reaches(device_request()):
        assert [way.offer.id for way in ways(reach)] == ["lora-unicast:dr5"]
        assert refusals(reach) == {BROADCAST: Reason.NOT_JOINED}


async def test_after_the_set_up_all_share_the_broadcast(scene: Scene) -> None:
    await scene.join()
    reaches = scene.reaches(device_request())
    assert {ways(reach)[1] for reach in reaches} == {scene.way(device_request(), broadcast=True)}
    assert {ways(reach)[0].address for reach in reaches} == set(scene.meters)
    assert scene.way(device_request(), broadcast=True).address == GROUP


async def test_a_request_to_a_single_host_is_no_broadcast(scene: Scene) -> None:
    await scene.join()
    assert all(not way.offer.broadcast for reach in scene.reaches(device_request(), group="") for way in ways(reach))


async def test_the_payload_is_what_is_sent(scene: Scene) -> None:
    await scene.join()
    offered = scene.way(device_request(), broadcast=True).offer.payload
    delivery, airtimes = delivery_of(device_request(), scene.way(device_request(), broadcast=True), scene.hosts)
    await scene.deliver(delivery)
    assert airtimes == [DATA_RATES[5].airtime(offered, uplink=False) / 1000]


@pytest.mark.parametrize(
    "poa", ["lora://", "lora://123", "lora://020000000000000g", "http://127.0.0.1/", "lora://0200000000000001x"]
)
async def test_a_host_without_a_dev_eui_has_no_point_of_access(scene: Scene, poa: str) -> None:
    (reach,) = scene.reaches(device_request(), [Host("Cx", (poa,))])
    assert refusals(reach) == {"lora-broadcast": Reason.NO_POA}


async def test_the_dev_eui_may_be_written_in_capitals(scene: Scene) -> None:
    host = Host("Clora0001", ("http://127.0.0.1/", f"lora://{dev_eui(1).upper()}"))
    assert ways(scene.reaches(device_request(), [host])[0])[0].address == dev_eui(1)


async def test_only_device_requests_are_carried(scene: Scene) -> None:
    update = replace(device_request(), operation=Operation.UPDATE)
    reaches = scene.reaches(update, [*scene.hosts, Host("Cx", ())])
    assert refusals(reaches[0]) == {"lora-broadcast": Reason.OPERATION}
    assert refusals(reaches[-1]) == {"lora-broadcast": Reason.NO_POA}


async def test_a_device_that_the_network_server_does_not_know_is_offline(scene: Scene) -> None:
    (reach,) = scene.reaches(device_request(), [Host("Cx", (f"lora://{dev_eui(99)}",))])
    assert refusals(reach) == {"lora-broadcast": Reason.OFFLINE}
    assert dev_eui(99) in reach[0].detail  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"device_class": "A"}, Reason.CLASS_A),
        ({"region": "US915"}, Reason.REGION),
        ({"gateways": ()}, Reason.OFFLINE),
        ({"tag": "Csomebody"}, Reason.SECURITY),
    ],
)
async def test_a_device_that_is_not_fit_says_why(start: Start, changes: dict[str, Any], reason: Reason) -> None:
    made = Scene()
    made.server.alter = lambda event: replace(event, **changes) if isinstance(event, DeviceFacts) else event
    await start(made)
    assert refusals(made.reaches(device_request())[0]) == {"lora-broadcast": reason}


async def test_without_a_tag_a_device_belongs_to_the_first_ae_that_names_it(start: Start) -> None:
    made = Scene()
    made.server.alter = lambda event: replace(event, tag="") if isinstance(event, DeviceFacts) else event
    await start(made)
    thief = Host("Cthief", (f"lora://{dev_eui(1)}",))
    assert ways(made.reaches(device_request(), [made.hosts[0]])[0])
    assert refusals(made.reaches(device_request(), [thief])[0]) == {"lora-broadcast": Reason.SECURITY}
    await made.network.stop()
    await made.network.start(made.engine)
    assert refusals(made.reaches(device_request(), [thief])[0]) == {"lora-broadcast": Reason.SECURITY}


async def test_a_large_request_is_offered_with_its_size(scene: Scene) -> None:
    await scene.join()
    large = replace(device_request(), content={"m2m:sgn": {"sur": "x" * 300}})
    for way in ways(scene.reaches(large)[0]):
        assert way.offer.payload > way.offer.max_payload == 222


async def test_the_budget_is_what_the_gateways_have_left(scene: Scene) -> None:
    await scene.join()
    before = scene.way(device_request(), broadcast=True).offer
    assert before.budget_key == "gateway-1/869.4-869.65"
    assert before.budget_ms is not None
    assert 359_000 < before.budget_ms < 360_000
    delivery, airtimes = delivery_of(device_request(), scene.way(device_request(), broadcast=True), scene.hosts)
    await scene.deliver(delivery)
    after = scene.way(device_request("r2"), broadcast=True).offer
    assert after.budget_ms == pytest.approx(before.budget_ms - sum(airtimes), abs=1)


# Who hears a broadcast.


async def test_a_few_who_are_not_meant_are_named_and_ignore_it(scene: Scene) -> None:
    await scene.join()
    way = scene.way(device_request(), broadcast=True, hosts=scene.hosts[:3])
    delivery, _ = delivery_of(device_request(), way, scene.hosts[:3])
    await scene.deliver(delivery)
    assert [meter.executions for meter in scene.meters.values()] == [1, 1, 1, 0, 0, 0]
    assert sorted(scene.answered("r1")) == ["Clora0001", "Clora0002", "Clora0003"]


async def test_with_many_who_are_not_meant_there_is_no_broadcast(scene: Scene) -> None:
    await scene.join()
    (reach,) = scene.reaches(device_request(), scene.hosts[:1])
    assert refusals(reach) == {BROADCAST: Reason.SECURITY}
    assert [way.address for way in ways(reach)] == [dev_eui(1)]


async def test_later_rounds_ask_for_the_silent_only_and_still_get_the_broadcast(scene: Scene) -> None:
    await scene.join()
    scene.reaches(device_request())
    way = scene.way(device_request(), broadcast=True, hosts=scene.hosts[:1])
    delivery, _ = delivery_of(device_request(), way, scene.hosts[:1], attempt=2)
    await scene.deliver(delivery)
    assert {meter.executions for meter in scene.meters.values()} == {1}


async def test_one_who_may_have_heard_the_set_up_counts_as_a_listener(start: Start) -> None:
    """The set-up was received and its acknowledgement lost: the device listens although it is not joined."""
    made = await start(Scene(count=3))
    made.simulation.medium.uplink = lambda device, frame: (
        made.simulation.server.uplink(device, frame) if device.eui != dev_eui(3) else None
    )
    await made.join()
    assert refusals(made.reaches(device_request())[2]) == {BROADCAST: Reason.NOT_JOINED}
    others = made.hosts[:2]
    delivery, _ = delivery_of(
        device_request("r2"), made.way(device_request("r2"), broadcast=True, hosts=others), others
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
    assert refusals(scene.reaches(device_request("other"))[4]) == {BROADCAST: Reason.NOT_JOINED}
    way = scene.way(device_request(), broadcast=True, hosts=scene.hosts[:4])
    delivery, _ = delivery_of(device_request(), way, scene.hosts[:4])
    await scene.deliver(delivery, 60)
    assert [meter.executions for meter in scene.meters.values()] == [1, 1, 1, 1, 0, 0]


async def test_a_group_that_has_grown_too_much_since_the_offer_is_not_sent_to(start: Start) -> None:
    made = await start(Scene(count=8))
    await made.join(made.hosts[:3])
    way = made.way(device_request(), broadcast=True, hosts=made.hosts[:3])
    await made.join()
    delivery, airtimes = delivery_of(device_request(), way, made.hosts[:3])
    with pytest.raises(DeliveryFailed, match="max_exclusions"):
        await made.deliver(delivery)
    assert airtimes == []


async def test_a_group_of_one_has_no_session(scene: Scene) -> None:
    await scene.join(scene.hosts[:1])
    assert refusals(scene.reaches(device_request(), scene.hosts[:1])[0]) == {BROADCAST: Reason.NOT_JOINED}
    await scene.join(scene.hosts[:2])
    assert len(ways(scene.reaches(device_request(), scene.hosts[:2])[0])) == 2
    await scene.join([])
    assert len(ways(scene.reaches(device_request(), scene.hosts[:2])[0])) == 1


async def test_a_sleeping_device_in_the_group_does_not_stand_in_the_way(start: Start) -> None:
    asleep = frozenset(map(dev_eui, (1, 2, 3, 4, 5)))
    made = await start(Scene(replace(one_gateway(), class_a=asleep), count=8))
    await made.join()
    reaches = made.reaches(device_request())
    assert refusals(reaches[0]) == {"lora-broadcast": Reason.CLASS_A}
    assert len(ways(reaches[7])) == 2


# What is delivered, and what comes back.


async def test_a_broadcast_and_its_repeat_use_one_number_and_the_repeat_is_answered_only_by_those_it_reached_first(
    scene: Scene,
) -> None:
    await scene.join()
    scene.meters[dev_eui(2)].faults.deaf = True
    way = scene.way(device_request(), broadcast=True)
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
    way = scene.way(device_request(), broadcast=False)
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
    way = made.way(device_request(), broadcast=True)
    delivery, airtimes = delivery_of(device_request(), way, made.hosts)
    await made.deliver(delivery, 3600)
    assert len(airtimes) == 3
    assert [round(airtime) for airtime in airtimes] == pytest.approx([way.offer.airtime_ms] * 3, abs=1)


async def test_a_dropped_downlink_fails_with_its_reason(scene: Scene) -> None:
    way = scene.way(device_request(), broadcast=False)
    delivery, airtimes = delivery_of(
        replace(device_request(), content="x" * 300), way, scene.hosts[:1], deadline=scene.engine.clock.now() + 60
    )
    with pytest.raises(DeliveryFailed, match=r"PAYLOAD_TOO_LARGE: \d+ bytes exceed the 222 bytes"):
        await scene.deliver(delivery)
    assert airtimes == []


async def test_nothing_is_sent_after_the_deadline(scene: Scene) -> None:
    way = scene.way(device_request(), broadcast=False)
    first, _ = delivery_of(device_request(), way, scene.hosts[:1])
    late, airtimes = delivery_of(device_request(), way, scene.hosts[:1], deadline=scene.engine.clock.now() + 1)
    task = asyncio.create_task(scene.network.deliver(first))
    await asyncio.sleep(0)
    with pytest.raises(DeliveryFailed, match="EXPIRED"):
        await scene.deliver(late)
    await task
    assert airtimes == []


async def test_who_stops_waiting_still_has_the_transmission_counted(scene: Scene) -> None:
    delivery, airtimes = delivery_of(device_request(), scene.way(device_request(), broadcast=False), scene.hosts[:1])
    task = asyncio.create_task(scene.network.deliver(delivery))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    scene.simulation.run(60)
    assert len(airtimes) == 1
    assert scene.answered("r1") == ["Clora0001"]


async def test_a_lost_connection_fails_what_is_under_way_and_offers_nothing(scene: Scene) -> None:
    delivery, _ = delivery_of(device_request(), scene.way(device_request(), broadcast=False), scene.hosts[:1])
    task = asyncio.create_task(scene.network.deliver(delivery))
    await asyncio.sleep(0)
    scene.simulation.receive(Offline("the mast has fallen"))
    with pytest.raises(DeliveryFailed, match="the mast has fallen"):
        await task
    (reach,) = scene.reaches(device_request(), scene.hosts[:1])
    assert reach == [Unreachable("lora-broadcast", Reason.OFFLINE, "the mast has fallen")]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\xff", Discard.MALFORMED),
        (cbor2.dumps([1, 2000]), Discard.MALFORMED),
        (cbor2.dumps([4711, 2000, None]), Discard.STRAY),
    ],
)
async def test_answers_that_make_no_sense_are_counted(scene: Scene, payload: bytes, reason: Discard) -> None:
    scene.reaches(device_request())
    scene.simulation.receive(Uplink(dev_eui(1), 1, 10, payload))
    assert scene.engine.discards == {reason: 1}
    assert scene.engine.answers == []


async def test_an_answer_of_a_device_without_a_known_host_comes_from_a_wrong_address(scene: Scene) -> None:
    delivery, _ = delivery_of(device_request(), scene.way(device_request(), broadcast=False), scene.hosts[:1])
    await scene.deliver(delivery, 60)
    scene.engine.answers.clear()
    for device in (dev_eui(99), "not even a DevEUI"):
        scene.simulation.receive(Uplink(device, 1, 10, cbor2.dumps([1, 2000, None])))
    assert scene.engine.discards == {Discard.WRONG_ADDRESS: 2}
    assert scene.engine.answers == []


# Readings.


async def test_readings_become_content_instances(start: Start) -> None:
    made = await start(Scene(count=2, interval=600))
    made.simulation.run(700)
    await settle()
    request = made.engine.requests[0]
    assert request.operation is Operation.CREATE
    assert (request.to, request.originator, request.resource_type) == (
        f"{request.originator}/readings",
        request.originator,
        4,
    )
    assert {one.originator for one in made.engine.requests} == {"Clora0001", "Clora0002"}
    instance = request.content["m2m:cin"]
    assert instance["cnf"] == "application/json:0"
    assert instance["con"].startswith('{"wh":')
    assert len({one.request_identifier for one in made.engine.requests}) == len(made.engine.requests)


async def test_a_text_reading_stays_text(scene: Scene) -> None:
    scene.simulation.receive(Uplink(dev_eui(1), 7, 2, cbor2.dumps("12.5")))
    await settle()
    assert scene.engine.requests[0].content == {"m2m:cin": {"con": "12.5"}}


async def test_readings_that_have_no_place_are_logged(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.simulation.receive(Uplink(dev_eui(1), 7, 2, b"\xff"))
    scene.simulation.receive(Uplink(dev_eui(99), 7, 2, cbor2.dumps(1)))
    await settle()
    assert scene.engine.requests == []
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


async def test_uplinks_on_other_ports_are_ignored(scene: Scene) -> None:
    scene.simulation.receive(Uplink(dev_eui(1), 7, 99, b"\xff"))
    await settle()
    assert (scene.engine.requests, scene.engine.discards) == ([], {})


# Restarts.


async def test_numbers_owners_and_groups_survive_a_restart(scene: Scene) -> None:
    await scene.join()
    delivery, _ = delivery_of(device_request(), scene.way(device_request(), broadcast=True), scene.hosts)
    await scene.deliver(delivery)
    await scene.network.stop()
    scene.engine.answers.clear()

    await scene.network.start(scene.engine)
    scene.simulation.receive(Uplink(dev_eui(1), 99, 10, cbor2.dumps([1, 2000, None])))
    assert scene.answered("r1") == ["Clora0001"]
    again, _ = delivery_of(device_request(), scene.way(device_request(), broadcast=True), scene.hosts)
    await scene.deliver(again)
    assert {meter.executions for meter in scene.meters.values()} == {1}
    later, _ = delivery_of(device_request("r2", 60), scene.way(device_request("r2"), broadcast=True), scene.hosts)
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
    scene.reaches(device_request())
    table = scene.engine.documents("lora-broadcast-devices").table("owners")
    assert len(table) == 0
    await scene.engine.clock.advance(5)  # type: ignore[attr-defined]
    assert table.all()[0]["values"][dev_eui(1)] == "Clora0001"


# Configuration.


async def test_without_a_network_server_everything_is_offline_and_the_setting_named() -> None:
    (network,) = register_networks(Settings())
    await network.start(RecordingEngine())
    await network.prepare(GROUP, hosts_of(build_meters(3)))
    reaches = network.offers([*hosts_of(build_meters(1)), Host("Cx", ())], device_request(), GROUP)
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
