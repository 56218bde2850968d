import pytest

from plugins.lora_broadcast.network_server import Membership, SetGroup
from plugins.lora_broadcast.radio.gateway import Job
from plugins.lora_broadcast.radio.simulation import Simulation
from plugins.lora_broadcast.regions import Channel
from tests.plugins.lora_broadcast.kit import (
    GROUP,
    Recorder,
    build_meters,
    memberships,
    message,
    one_gateway,
    two_gateways_and_a_device_near_each,
)


def test_a_meter_that_is_sending_does_not_hear() -> None:
    meters = build_meters(2)
    simulation = Simulation(one_gateway(), meters)
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, tuple(meters)))
    for device in simulation.medium.devices.values():
        device.sender.sending_until = 3_600_000_000
    simulation.run(60)
    assert Membership.JOINED not in memberships(recorder).values()


@pytest.mark.parametrize(("difference", "executions"), [(3.0, [0, 0]), (6.0, [1, 1])])
def test_two_gateways_that_send_at_once_disturb_the_devices_between_them(
    difference: float, executions: list[int]
) -> None:
    simulation, meters = two_gateways_and_a_device_near_each(difference)
    for gateway, eui in zip(simulation.medium.gateways, meters, strict=True):
        channel = Channel(869_525_000, 5)
        job = Job(10, message(1, 0), channel, 0, lambda index, airtime: None, lambda reason: None, device=eui)
        simulation.medium.send_down(gateway, job)
    simulation.run(10)
    assert [meter.executions for meter in meters.values()] == executions
