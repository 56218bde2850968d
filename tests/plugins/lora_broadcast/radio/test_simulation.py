from collections import Counter

import pytest

from cse.testing.device import SimulatedDevice
from plugins.lora_broadcast.airtime import DATA_RATES
from plugins.lora_broadcast.codec import READING_PORT, REQUEST_PORT, AnswerMessage, CampaignMessage
from plugins.lora_broadcast.network_server import (
    Completed,
    DeviceFacts,
    Drop,
    Dropped,
    Event,
    GatewayFacts,
    GroupFacts,
    MemberFacts,
    Membership,
    MulticastDownlink,
    Ready,
    Sent,
    SetGroup,
    SetupSent,
    UnicastDownlink,
)
from plugins.lora_broadcast.radio.gateway import Job
from plugins.lora_broadcast.radio.propagation import DEVICE_POWER, SENSITIVITIES
from plugins.lora_broadcast.radio.simulation import Scenario, Simulation, dev_eui
from tests.plugins.lora_broadcast.kit import GROUP, Recorder, build_meters, instruction, one_gateway

DAY_MS = 86_400_000


def memberships(recorder: Recorder) -> dict[str, Membership]:
    """The latest word on each device."""
    return {event.device: event.membership for event in recorder.of(MemberFacts)}


def message(campaign: int, exponent: int = 9, interval: int = 900, excluded: tuple[int, ...] = ()) -> bytes:
    return CampaignMessage(campaign, exponent, instruction(interval), excluded).encode()


def answered(recorder: Recorder, campaign: int) -> set[str]:
    uplinks = recorder.uplinks(REQUEST_PORT)
    return {uplink.device for uplink in uplinks if AnswerMessage.decode(uplink.payload).campaign == campaign}


def test_three_hundred_meters_are_set_up_broadcast_to_and_repaired() -> None:
    meters = build_meters(300, seed=1, deaf=3, request_loss=0.1, interval=3600)
    simulation = Simulation(Scenario(seed=1), meters)
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, tuple(meters)))
    simulation.run(3600)
    deaf = {eui for eui, meter in meters.items() if meter.faults.deaf}
    joined = {eui for eui, membership in memberships(recorder).items() if membership is Membership.JOINED}
    assert joined == meters.keys() - deaf
    assert len(recorder.of(SetupSent)) > 300
    assert recorder.of(Sent) == []
    for meter in meters.values():
        meter.faults.request_loss = 0.5

    group = recorder.of(GroupFacts)[-1]
    assert group.data_rate == min(event.data_rate for event in simulation.facts() if isinstance(event, DeviceFacts))
    simulation.handle(MulticastDownlink("m1", GROUP, REQUEST_PORT, message(1), DAY_MS))
    simulation.run(600)
    assert [event.gateway for event in recorder.of(Sent)] == list(group.gateways)
    expected = DATA_RATES[group.data_rate].airtime(len(message(1)), uplink=False)
    assert {event.airtime_us for event in recorder.of(Sent)} == {expected}
    first = answered(recorder, 1)
    assert 250 < len(first) < 297

    simulation.handle(MulticastDownlink("m2", GROUP, REQUEST_PORT, message(1), DAY_MS))
    simulation.run(600)
    repeated = Counter(uplink.device for uplink in recorder.uplinks(REQUEST_PORT))
    assert set(repeated.values()) == {1}
    second = answered(recorder, 1)
    assert len(second) > len(first)

    for meter in meters.values():
        meter.faults.request_loss = 0.1
    for attempt in range(3):
        for eui in sorted(meters.keys() - answered(recorder, 1)):
            simulation.handle(UnicastDownlink(f"u{attempt}{eui}", eui, REQUEST_PORT, message(1, 2), DAY_MS))
        simulation.run(1200)
    assert answered(recorder, 1) == meters.keys() - deaf
    assert {meter.executions for meter in meters.values()} == {0, 1}
    assert sum(meter.executions for meter in meters.values()) == 297
    assert recorder.of(Dropped) == []
    assert {event.id for event in recorder.of(Completed)} >= {"m1", "m2"}
    readings = Counter(uplink.device for uplink in recorder.uplinks(READING_PORT))
    assert len(readings) == 300
    assert f"{simulation.medium.lost} lost" in simulation.report()


@pytest.mark.parametrize("seed", [1, 2])
def test_the_seed_fixes_everything(seed: int) -> None:
    def run() -> list[Event]:
        simulation = Simulation(Scenario(seed=seed), build_meters(40, seed=seed, request_loss=0.2, interval=300))
        recorder = Recorder(simulation)
        simulation.handle(SetGroup(GROUP, tuple(simulation.medium.devices)))
        simulation.run(600)
        simulation.handle(MulticastDownlink("m", GROUP, REQUEST_PORT, message(1), DAY_MS))
        simulation.run(1000)
        return recorder.events

    assert run() == run()


def test_another_seed_is_another_story() -> None:
    places = [
        [device.losses for device in Simulation(Scenario(seed=seed), build_meters(5)).medium.devices.values()]
        for seed in (1, 2)
    ]
    assert places[0] != places[1]


def test_how_virtual_time_is_cut_does_not_matter() -> None:
    stories = []
    for step in (1000.0, 7.3):
        simulation = Simulation(one_gateway(), build_meters(5, interval=60))
        recorder = Recorder(simulation)
        simulation.handle(SetGroup(GROUP, tuple(simulation.medium.devices)))
        while simulation.kernel.now < 999_000_000:
            simulation.run(step)
        stories.append([event for event in recorder.events if not isinstance(event, GatewayFacts)][:50])
    assert stories[0] == stories[1]


def test_data_rates_are_the_best_that_links_carry_with_the_margin() -> None:
    simulation = Simulation(Scenario(seed=1, margin=10.0), build_meters(300))
    rates = Counter(device.data_rate for device in simulation.medium.devices.values())
    assert set(rates) == {0, 1, 2, 3, 4, 5}
    for device in simulation.medium.devices.values():
        level = DEVICE_POWER - min(device.losses)
        assert level >= SENSITIVITIES[device.data_rate] + (10.0 if device.data_rate else 0.0)
        assert device.hearing[0] == device.losses.index(min(device.losses))


def test_the_facts_are_complete() -> None:
    meters = build_meters(3)
    simulation = Simulation(Scenario(gateways=2, class_a=frozenset({dev_eui(3)})), meters)
    facts = simulation.facts()
    devices = [event for event in facts if isinstance(event, DeviceFacts)]
    assert [(event.device, event.tag) for event in devices] == [(eui, meter.id) for eui, meter in meters.items()]
    assert [event.device_class for event in devices] == ["C", "C", "A"]
    assert len({event.address for event in devices}) == 3
    assert [event.budget_us for event in facts if isinstance(event, GatewayFacts)] == [360_000_000] * 2
    assert facts[-1] == Ready("EU868")


def test_a_group_holds_devices_that_can_hear_it() -> None:
    meters = build_meters(3)
    simulation = Simulation(Scenario(class_a=frozenset({dev_eui(3)})), meters)
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, (*meters, dev_eui(99))))
    assert memberships(recorder).keys() == {dev_eui(1), dev_eui(2)}
    assert set(memberships(recorder).values()) == {Membership.INVITED}


def test_a_device_that_leaves_hears_no_more_once_it_has_acknowledged() -> None:
    meters = build_meters(3)
    simulation = Simulation(one_gateway(), meters)
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, tuple(meters)))
    simulation.run(120)
    simulation.handle(SetGroup(GROUP, (dev_eui(1), dev_eui(2))))
    assert memberships(recorder)[dev_eui(3)] is Membership.LEAVING
    simulation.run(120)
    assert memberships(recorder)[dev_eui(3)] is Membership.GONE
    simulation.handle(MulticastDownlink("m", GROUP, REQUEST_PORT, message(1, 4), DAY_MS))
    simulation.run(60)
    assert [meter.executions for meter in meters.values()] == [1, 1, 0]


def test_a_device_that_has_gone_deaf_stays_leaving_and_can_be_invited_again() -> None:
    meters = build_meters(2)
    simulation = Simulation(one_gateway(), meters)
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, tuple(meters)))
    simulation.run(60)
    meters[dev_eui(2)].faults.deaf = True
    simulation.handle(SetGroup(GROUP, (dev_eui(1),)))
    simulation.run(3600)
    assert memberships(recorder)[dev_eui(2)] is Membership.LEAVING
    meters[dev_eui(2)].faults.deaf = False
    simulation.handle(SetGroup(GROUP, tuple(meters)))
    assert memberships(recorder)[dev_eui(2)] is Membership.INVITED
    simulation.run(60)
    assert memberships(recorder)[dev_eui(2)] is Membership.JOINED


def test_the_attempts_of_a_set_up_become_rarer() -> None:
    simulation = Simulation(one_gateway(), build_meters(1, deaf=1))
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, (dev_eui(1),)))
    simulation.run(86_400)
    assert 20 < len(recorder.of(SetupSent)) < 40


def test_a_slower_member_slows_the_whole_group_down_and_everybody_is_set_up_again() -> None:
    meters = build_meters(3)
    simulation = Simulation(one_gateway(), meters)
    simulation.medium.devices[dev_eui(3)].data_rate = 2
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, (dev_eui(1), dev_eui(2))))
    simulation.run(60)
    assert recorder.of(GroupFacts)[-1].data_rate == 5
    simulation.handle(SetGroup(GROUP, tuple(meters)))
    assert recorder.of(GroupFacts)[-1].data_rate == 2
    assert set(memberships(recorder).values()) == {Membership.INVITED}
    simulation.run(60)
    assert set(memberships(recorder).values()) == {Membership.JOINED}
    simulation.handle(MulticastDownlink("m", GROUP, REQUEST_PORT, message(1, 4), DAY_MS))
    simulation.run(60)
    assert len(answered(recorder, 1)) == 3


def test_setting_the_same_group_again_changes_nothing() -> None:
    meters = build_meters(3)
    simulation = Simulation(one_gateway(), meters)
    recorder = Recorder(simulation)
    for _ in range(2):
        simulation.handle(SetGroup(GROUP, tuple(meters)))
        simulation.run(60)
    assert len(recorder.of(SetupSent)) == 3


def test_an_emptied_group_is_forgotten() -> None:
    meters = build_meters(2)
    simulation = Simulation(one_gateway(), meters)
    simulation.handle(SetGroup(GROUP, tuple(meters)))
    simulation.run(60)
    simulation.handle(SetGroup(GROUP, ()))
    simulation.handle(SetGroup("never seen", ()))
    simulation.run(60)
    assert not [event for event in simulation.facts() if isinstance(event, GroupFacts | MemberFacts)]


def test_a_device_takes_part_in_four_groups() -> None:
    meters = build_meters(2)
    simulation = Simulation(one_gateway(), meters)
    recorder = Recorder(simulation)
    for number in range(5):
        simulation.handle(SetGroup(f"g{number}", tuple(meters)))
    simulation.run(300)
    joined = {event.group for event in recorder.of(MemberFacts) if event.membership is Membership.JOINED}
    assert joined == {"g0", "g1", "g2", "g3"}


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (MulticastDownlink("x", "no group", REQUEST_PORT, b"", DAY_MS), Drop.UNKNOWN),
        (UnicastDownlink("x", dev_eui(99), REQUEST_PORT, b"", DAY_MS), Drop.UNKNOWN),
        (UnicastDownlink("x", dev_eui(2), REQUEST_PORT, b"", DAY_MS), Drop.CLASS_A),
        (UnicastDownlink("x", dev_eui(1), REQUEST_PORT, bytes(223), DAY_MS), Drop.PAYLOAD_TOO_LARGE),
        (UnicastDownlink("x", dev_eui(1), 200, bytes(2), DAY_MS), Drop.REFUSED),
        (UnicastDownlink("x", dev_eui(1), 0, bytes(2), DAY_MS), Drop.REFUSED),
        (MulticastDownlink("x", GROUP, REQUEST_PORT, bytes(223), DAY_MS), Drop.PAYLOAD_TOO_LARGE),
    ],
)
def test_what_cannot_be_sent_is_dropped_with_its_reason(
    command: MulticastDownlink | UnicastDownlink, reason: Drop
) -> None:
    scenario = Scenario(gateways=1, radius=100.0, shadowing=0.0, class_a=frozenset({dev_eui(2)}))
    simulation = Simulation(scenario, build_meters(2))
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, (dev_eui(1),)))
    simulation.handle(command)
    (dropped,) = recorder.of(Dropped)
    assert (dropped.id, dropped.reason) == ("x", reason)
    assert dropped.sentence


def test_an_hour_of_broadcasts_ends_at_the_duty_cycle_and_says_so() -> None:
    simulation = Simulation(one_gateway(), build_meters(2))
    for device in simulation.medium.devices.values():
        device.data_rate = 0
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, tuple(simulation.medium.devices)))
    simulation.run(60)
    setup = sum(event.airtime_us for event in recorder.of(SetupSent))
    for number in range(130):
        simulation.handle(MulticastDownlink(f"m{number}", GROUP, REQUEST_PORT, bytes(51), 3_000_000))
    simulation.run(3000)
    assert len(recorder.of(Completed)) == (360_000_000 - setup) // 2_793_472 == 127
    assert {event.reason for event in recorder.of(Dropped)} == {Drop.DUTY_CYCLE}
    assert recorder.of(GatewayFacts)[-1].budget_us == 360_000_000 - setup - recorder.airtime()
    simulation.run(3600)
    assert recorder.of(GatewayFacts)[-1].budget_us == 360_000_000


def test_a_meter_that_is_sending_does_not_hear() -> None:
    meters = build_meters(2, interval=1)
    simulation = Simulation(one_gateway(), meters)
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, tuple(meters)))
    for device in simulation.medium.devices.values():
        device.sending_until = 3_600_000_000
    simulation.run(60)
    assert Membership.JOINED not in memberships(recorder).values()


def two_gateways_and_a_device_near_each(difference: float) -> tuple[Simulation, dict[str, SimulatedDevice]]:
    """Each device hears its own gateway better by so many dB."""
    meters = build_meters(2)
    simulation = Simulation(Scenario(gateways=2, radius=500.0, shadowing=0.0), meters)
    first, second = simulation.medium.devices.values()
    first.losses, second.losses = (100.0, 100.0 + difference), (100.0 + difference, 100.0)
    return simulation, meters


@pytest.mark.parametrize(("difference", "executions"), [(3.0, [0, 0]), (6.0, [1, 1])])
def test_two_gateways_that_send_at_once_disturb_the_devices_between_them(
    difference: float, executions: list[int]
) -> None:
    simulation, meters = two_gateways_and_a_device_near_each(difference)
    for gateway, eui in zip(simulation.medium.gateways, meters, strict=True):
        job = Job(10, message(1, 0), 5, 0, lambda index, airtime: None, lambda reason: None, device=eui)
        simulation.medium.send_down(gateway, job)
    simulation.run(10)
    assert [meter.executions for meter in meters.values()] == executions


def test_the_network_server_lets_gateways_send_at_the_same_data_rate_one_after_the_other() -> None:
    simulation, meters = two_gateways_and_a_device_near_each(3.0)
    recorder = Recorder(simulation)
    for eui in meters:
        simulation.handle(UnicastDownlink(eui, eui, REQUEST_PORT, message(1, 0), DAY_MS))
    simulation.run(2)
    assert [event.gateway for event in recorder.of(Sent)] == ["gateway-1", "gateway-2"]
    assert [meter.executions for meter in meters.values()] == [1, 1]
