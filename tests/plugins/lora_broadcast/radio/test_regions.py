"""The same campaign in each region: set-up, broadcast, answers, and a unicast to each class."""

from dataclasses import replace

import pytest

from plugins.lora_broadcast.codec import READING_PORT, REQUEST_PORT, decode_reading
from plugins.lora_broadcast.network_server import (
    DeviceFacts,
    Membership,
    MulticastDownlink,
    Ready,
    Sent,
    SetGroup,
    UnicastDownlink,
)
from plugins.lora_broadcast.radio.simulation import Scenario, Simulation
from plugins.lora_broadcast.regions import REGIONS
from tests.plugins.lora_broadcast.kit import DAY_MS, GROUP, Recorder, answered, build_meters, memberships, message


@pytest.mark.parametrize("region", REGIONS)
def test_a_campaign(region: str) -> None:
    meters = build_meters(60, interval=900)
    names = sorted(meters)
    scenario = Scenario(2, region=region, seed=3, class_a=frozenset(names[:5]), class_b=frozenset(names[5:10]))
    simulation = Simulation(scenario, meters)
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, tuple(names)))
    simulation.run(3600)
    assert simulation.facts()[-1] == Ready(region)
    joined = {eui for eui, state in memberships(recorder).items() if state is Membership.JOINED}
    assert joined == set(names[5:])
    simulation.handle(MulticastDownlink("m", GROUP, REQUEST_PORT, message(1, 9), DAY_MS))
    simulation.run(1200)
    assert {event.gateway for event in recorder.of(Sent)} == {"gateway-1", "gateway-2"}
    assert len(answered(recorder, 1)) > 50
    for eui in sorted(set(names) - answered(recorder, 1)):
        simulation.handle(UnicastDownlink(eui, eui, REQUEST_PORT, message(1, 2), DAY_MS))
    simulation.run(3600)
    assert answered(recorder, 1) == set(names)
    assert [meter.executions for meter in meters.values()] == [1] * 60


@pytest.mark.parametrize("region", REGIONS)
def test_devices_use_the_rates_and_channels_of_their_region(region: str) -> None:
    simulation = Simulation(Scenario(region=region, radius=12_000.0), build_meters(200, interval=900))
    recorder = Recorder(simulation)
    rates = {event.data_rate for event in simulation.facts() if isinstance(event, DeviceFacts)}
    assert rates == set(REGIONS[region].uplink_rates)
    simulation.run(1000)
    assert len({uplink.device for uplink in recorder.uplinks(READING_PORT)}) > 190


def test_at_the_slowest_rate_of_us915_readings_and_answers_fit_11_bytes() -> None:
    scenario = Scenario(1, region="US915", radius=100.0, shadowing=0.0)
    simulation = Simulation(scenario, build_meters(1, interval=900))
    recorder = Recorder(simulation)
    (device,) = simulation.medium.devices.values()
    device.data_rate = 0
    simulation.handle(UnicastDownlink("u", device.eui, REQUEST_PORT, message(1, 2), DAY_MS))
    simulation.run(86_400)
    readings = [uplink.payload for uplink in recorder.uplinks(READING_PORT)]
    assert max(map(len, readings)) <= 11
    value = decode_reading(readings[-1])
    assert isinstance(value, list)
    assert value[1] == 900
    assert answered(recorder, 1) == {device.eui}


def test_a_frame_that_is_sent_twice_counts_once() -> None:
    scenario = Scenario(1, radius=500.0, shadowing=0.0, transmissions=2)
    once, twice = (
        Simulation(replace(scenario, transmissions=number), build_meters(20, interval=600)) for number in (1, 2)
    )
    recorders = Recorder(once), Recorder(twice)
    for simulation in (once, twice):
        simulation.run(3600)
    assert twice.medium.uplinks > 1.9 * once.medium.uplinks
    for recorder in recorders:
        frames = [(uplink.device, uplink.counter) for uplink in recorder.uplinks(READING_PORT)]
        assert len(frames) == len(set(frames)) > 110
