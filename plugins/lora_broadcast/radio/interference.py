"""How much stronger than an interferer on its channel a frame must be to come through, in dB."""

import math
from collections.abc import Mapping
from types import MappingProxyType

# By spreading factor of the wanted frame and of the interferer.
Thresholds = tuple[tuple[float, ...], ...]

# On the same spreading factor a frame survives when it is this much stronger (LoRaSim's threshold).
CAPTURE_MARGIN = 6.0
_FIRST, _LAST = 7, 12
# Spreading factors are not quite orthogonal: rows are the wanted SF7 to SF12, columns the interferer (FLoRa's matrix,
# from Croce et al. 2018). On the diagonal the capture margin holds instead.
_MATRIX = (
    (0, -8, -9, -9, -9, -9),
    (-11, 0, -11, -12, -13, -13),
    (-15, -13, 0, -13, -14, -15),
    (-19, -18, -17, 0, -17, -18),
    (-22, -22, -21, -20, 0, -20),
    (-25, -25, -25, -24, -23, 0),
)


def _threshold(wanted: int, other: int, *, orthogonal: bool) -> float:
    if wanted == other:
        return CAPTURE_MARGIN
    if orthogonal or min(wanted, other) < _FIRST:
        return -math.inf
    return _MATRIX[wanted - _FIRST][other - _FIRST]


def _thresholds(*, orthogonal: bool) -> Thresholds:
    factors = range(_LAST + 1)
    return tuple(tuple(_threshold(wanted, other, orthogonal=orthogonal) for other in factors) for wanted in factors)


MODELS: Mapping[str, Thresholds] = MappingProxyType(
    {"matrix": _thresholds(orthogonal=False), "orthogonal": _thresholds(orthogonal=True)}
)
