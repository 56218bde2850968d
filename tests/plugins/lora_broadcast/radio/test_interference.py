import math
from itertools import product

import pytest

from plugins.lora_broadcast.radio.interference import CAPTURE_MARGIN, MODELS


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("factor", range(5, 13))
def test_on_one_spreading_factor_the_capture_margin_holds(model: str, factor: int) -> None:
    assert MODELS[model][factor][factor] == CAPTURE_MARGIN == 6


@pytest.mark.parametrize(
    ("wanted", "other", "threshold"), [(7, 8, -8), (7, 12, -9), (8, 7, -11), (10, 7, -19), (12, 7, -25), (12, 11, -23)]
)
def test_a_slower_frame_stands_more(wanted: int, other: int, threshold: float) -> None:
    assert MODELS["matrix"][wanted][other] == threshold


def test_without_interference_between_spreading_factors() -> None:
    thresholds = MODELS["orthogonal"]
    assert {thresholds[one][other] for one, other in product(range(7, 13), repeat=2) if one != other} == {-math.inf}
