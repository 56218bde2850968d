import pytest

from plugins.lora_broadcast.codec import REQUEST_PORT
from plugins.lora_broadcast.network_server import (
    Completed,
    DeviceFacts,
    Drop,
    Dropped,
    GatewayFacts,
    MulticastDownlink,
    Ready,
    Sent,
    SetGroup,
    SetupSent,
    UnicastDownlink,
)
from plugins.lora_broadcast.radio.simulation import Scenario, Simulation, dev_eui
from tests.plugins.lora_broadcast.kit import (
    DAY_MS,
    GROUP,
    Recorder,
    build_meters,
    message,
    one_gateway,
    two_gateways_and_a_device_near_each,
)


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


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (MulticastDownlink("x", "no group", REQUEST_PORT, b"", DAY_MS), Drop.UNKNOWN),
        (UnicastDownlink("x", dev_eui(99), REQUEST_PORT, b"", DAY_MS), Drop.UNKNOWN),
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


def test_the_network_server_lets_gateways_send_at_the_same_data_rate_one_after_the_other() -> None:
    simulation, meters = two_gateways_and_a_device_near_each(3.0)
    recorder = Recorder(simulation)
    for eui in meters:
        simulation.handle(UnicastDownlink(eui, eui, REQUEST_PORT, message(1, 0), DAY_MS))
    simulation.run(2)
    assert [event.gateway for event in recorder.of(Sent)] == ["gateway-1", "gateway-2"]
    assert [meter.executions for meter in meters.values()] == [1, 1]
