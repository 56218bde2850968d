import math
from random import Random

import pytest

from plugins.lora_broadcast.radio.propagation import (
    GATEWAY_GAIN,
    Terrain,
    best_data_rate,
    gateway_ring,
    hata,
    oulu,
    sensitivity,
    settle,
)
from plugins.lora_broadcast.regions import EU868, US915

SENSITIVITIES = [sensitivity(EU868.data_rates[rate]) for rate in EU868.uplink_rates]
LARGEST_LOSS = EU868.device_power - SENSITIVITIES[0]


def test_sensitivities_from_spreading_factor_12_to_7() -> None:
    assert [round(level, 1) for level in SENSITIVITIES] == [-137.0, -134.5, -132.0, -129.5, -127.0, -124.5]
    assert sensitivity(EU868.data_rates[6]) == pytest.approx(SENSITIVITIES[5] + 3, abs=0.02)
    assert sensitivity(US915.data_rates[8]) == pytest.approx(SENSITIVITIES[0] + 6, abs=0.03)


def test_ranges_at_14_dbm_and_spreading_factor_12() -> None:
    assert oulu(10_900) - GATEWAY_GAIN == pytest.approx(LARGEST_LOSS, abs=0.1)
    assert hata(4_650) == pytest.approx(LARGEST_LOSS, abs=0.1)


def test_path_loss_grows_by_its_slope_per_decade() -> None:
    assert oulu(10_000) - oulu(1000) == pytest.approx(23.2)
    assert hata(10_000) - hata(1000) == pytest.approx(35.2)
    assert math.isfinite(oulu(0.0))


@pytest.mark.parametrize(
    ("level", "margin", "rate"), [(-100, 0, 5), (-124.4, 0, 5), (-124.6, 0, 4), (-124.4, 10, 1), (-150, 0, 0)]
)
def test_a_device_takes_the_fastest_rate_that_its_link_carries(level: float, margin: float, rate: int) -> None:
    assert best_data_rate(EU868, level, margin) == rate


def test_meters_are_installed_where_a_gateway_hears_them() -> None:
    terrain = Terrain([(0.0, 0.0)], hata)
    random = Random(1)
    for _ in range(200):
        place, losses = settle(terrain, 8000.0, LARGEST_LOSS, random)
        assert math.hypot(*place) <= 8000.0
        assert min(losses) <= LARGEST_LOSS


def test_a_place_without_coverage_is_taken_when_there_is_no_other() -> None:
    terrain = Terrain([(1e9, 0.0)], oulu, shadowing=0.0)
    _, losses = settle(terrain, 1000.0, LARGEST_LOSS, Random(1))
    assert min(losses) > LARGEST_LOSS


def test_shadowing_has_the_deviation_of_the_terrain() -> None:
    terrain, random = Terrain([(1000.0, 0.0)], oulu, shadowing=7.8), Random(1)
    losses = [terrain.losses((0.0, 0.0), random)[0] for _ in range(4000)]
    mean = sum(losses) / len(losses)
    deviation = math.sqrt(sum((loss - mean) ** 2 for loss in losses) / len(losses))
    assert mean == pytest.approx(128.95 - GATEWAY_GAIN, abs=0.5)
    assert deviation == pytest.approx(7.8, abs=0.3)


def test_gateways_stand_on_a_circle() -> None:
    assert gateway_ring(1, 1000.0) == [(0.0, 0.0)]
    assert {round(math.hypot(*place)) for place in gateway_ring(4, 1000.0)} == {500}
