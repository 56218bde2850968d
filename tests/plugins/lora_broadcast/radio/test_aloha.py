"""The simulation against an independent Monte Carlo of answers of 8 bytes to one gateway, and against theory.

The gateway has 8 channels and 8 demodulators; devices stand on a disc of 5 km (Oulu's path loss, no shadowing), capture
takes 6 dB. Each answer is sent once, at a random moment of the window.
"""

import math
from functools import cache, partial
from random import Random

import pytest

from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.radio.simulation import Scenario, Simulation
from plugins.lora_broadcast.radio.transmitter import Frame
from tests.plugins.lora_broadcast.kit import build_meters

# Shares in per cent by the window in seconds: each at its best spreading factor, and all at SF12.
THOUSAND = {
    32: (54, 0.7),
    256: (94, 30),
    2048: (99, 88),
    3600: (99.6, 92),
    21_600: (100, 99),
    86_400: (100, 99.6),
}
TEN_THOUSAND = {
    32: (1.7, 0),
    256: (43, 0.3),
    2048: (92.5, 22),
    3600: (95, 43),
    21_600: (99.4, 87),
    86_400: (99.9, 96),
}


@cache
def network(devices: int) -> Simulation:
    """One gateway and so many devices, used again and again: they say nothing of their own accord."""
    return Simulation(Scenario(gateways=1, shadowing=0.0), build_meters(devices, interval=1e13))


def share_received(answers: int, window: int, data_rate: int | None = None) -> float:
    """The percentage of answers that come through."""
    simulation, random = network(answers), Random(1)
    medium, kernel, region = simulation.medium, simulation.kernel, simulation.region
    sent, lost = medium.uplinks, medium.lost
    for device in medium.devices.values():
        device.data_rate = device.uplink_rate if data_rate is None else data_rate
        airtime = region.data_rates[device.data_rate].airtime(8, uplink=True)
        frame, channel = Frame(1, 99, bytes(8)), random.choice(region.uplink_channels)
        send = partial(medium.send_up, device, frame, channel, airtime)
        kernel.after(int(random.random() * window * SECOND), send)
    simulation.run(window + 10)
    assert medium.uplinks - sent == answers
    return 100 * (1 - (medium.lost - lost) / answers)


@pytest.mark.parametrize("window", THOUSAND)
def test_a_thousand_answers(window: int) -> None:
    best, slowest = THOUSAND[window]
    assert share_received(1000, window) == pytest.approx(best, abs=5)
    assert share_received(1000, window, 0) == pytest.approx(slowest, abs=5)


@pytest.mark.parametrize(
    "window", [pytest.param(window, marks=pytest.mark.long if window > 256 else ()) for window in TEN_THOUSAND]
)
def test_ten_thousand_answers(window: int) -> None:
    best, slowest = TEN_THOUSAND[window]
    assert share_received(10_000, window) == pytest.approx(best, abs=5)
    assert share_received(10_000, window, 0) == pytest.approx(slowest, abs=5)


@pytest.mark.parametrize("window", [1024, 2048, 4096])
def test_it_is_a_little_better_than_pure_aloha_because_the_stronger_frame_survives(window: int) -> None:
    airtime = network(1000).region.data_rates[0].airtime(8, uplink=True) / SECOND
    pure = 100 * math.exp(-2 * 1000 * airtime / (8 * window))
    assert pure - 2 < share_received(1000, window, 0) < pure + 15
