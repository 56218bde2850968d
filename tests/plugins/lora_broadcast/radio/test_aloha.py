"""The simulation against an independent Monte Carlo of 1,000 answers of 8 bytes to one gateway, and against theory."""

import math
from functools import partial
from random import Random

import pytest

from plugins.lora_broadcast.airtime import DATA_RATES, SECOND, UPLINK_CHANNELS
from plugins.lora_broadcast.radio.device import Frame
from plugins.lora_broadcast.radio.simulation import Scenario, Simulation
from tests.plugins.lora_broadcast.kit import build_meters

ANSWERS = 1000


def share_received(window: int, data_rate: int | None = None) -> float:
    """The share of answers that come through when each is sent once, at a random moment of the window."""
    scenario = Scenario(gateways=1, radius=5000.0, shadowing=0.0, margin=0.0)
    simulation = Simulation(scenario, build_meters(ANSWERS))
    random = Random(1)
    for device in simulation.medium.devices.values():
        device.data_rate = device.data_rate if data_rate is None else data_rate
        airtime = DATA_RATES[device.data_rate].airtime(8, uplink=True)
        frame, channel = Frame(1, 10, bytes(8)), random.choice(UPLINK_CHANNELS)
        send = partial(simulation.medium.send_up, device, frame, channel, airtime)
        simulation.kernel.at(int(random.random() * window * SECOND), send)
    simulation.run(window + 10)
    return 1 - simulation.medium.lost / simulation.medium.uplinks


@pytest.mark.parametrize(("window", "expected"), [(32, 0.007), (256, 0.30), (2048, 0.88), (3600, 0.92)])
def test_all_at_the_slowest_data_rate(window: int, expected: float) -> None:
    assert share_received(window, 0) == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize(("window", "expected"), [(256, 0.94), (2048, 0.99), (3600, 0.996)])
def test_each_at_its_best_data_rate(window: int, expected: float) -> None:
    assert share_received(window) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("window", [1024, 2048, 4096])
def test_it_is_a_little_better_than_pure_aloha_because_the_stronger_frame_survives(window: int) -> None:
    airtime = DATA_RATES[0].airtime(8, uplink=True) / SECOND
    pure = math.exp(-2 * ANSWERS * airtime / (8 * window))
    assert pure - 0.02 < share_received(window, 0) < pure + 0.15
