import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.lora_broadcast.airtime import symbol_time, time_on_air

# PHYPayload in bytes, spreading factor, bandwidth in kHz, payload CRC, milliseconds. Computed from the formula of the
# SX1276 data sheet with exact fractions and cross-checked against two independent implementations.
CHECK_VALUES = [
    (23, 7, 125, True, 61.696),
    (23, 8, 125, True, 113.152),
    (23, 9, 125, True, 205.824),
    (23, 10, 125, True, 370.688),
    (23, 11, 125, True, 823.296),
    (23, 12, 125, True, 1482.752),
    (23, 7, 125, False, 56.576),
    (23, 8, 125, False, 102.912),
    (23, 9, 125, False, 185.344),
    (23, 10, 125, False, 370.688),
    (23, 11, 125, False, 741.376),
    (23, 12, 125, False, 1482.752),
    (51, 12, 125, True, 2465.792),
    (0, 7, 125, True, 25.856),
    (64, 12, 125, False, 2793.472),
    (128, 9, 125, False, 676.864),
    (235, 8, 125, False, 645.632),
    (255, 7, 125, False, 394.496),
    (66, 12, 500, False, 616.448),
    (142, 11, 500, False, 615.424),
    (255, 10, 500, False, 563.712),
    (24, 10, 125, True, 370.688),
    (66, 9, 125, True, 390.144),
    (138, 8, 125, True, 399.872),
    (255, 7, 125, True, 399.616),
    (20, 7, 250, True, 28.288),
]


@pytest.mark.parametrize(("length", "spreading_factor", "bandwidth", "crc", "milliseconds"), CHECK_VALUES)
def test_time_on_air(length: int, spreading_factor: int, bandwidth: int, crc: bool, milliseconds: float) -> None:
    assert time_on_air(spreading_factor, bandwidth, length, crc=crc) == round(milliseconds * 1000)


def test_beacons_have_an_implicit_header_and_a_longer_preamble() -> None:
    assert time_on_air(9, 125, 17, crc=False, implicit_header=True, preamble=10) == 152_576
    assert time_on_air(12, 500, 23, crc=False, implicit_header=True, preamble=10) == 305_152


def test_the_strongest_coding_rate() -> None:
    assert time_on_air(12, 125, 255, crc=True, coding_rate=4) == 14_032_896


# Worked out by hand from the SX126x data sheet: 12 + 6.25 symbols of preamble, then 8 and 5 for every 4 * SF bits.
@pytest.mark.parametrize(
    ("length", "spreading_factor", "preamble", "symbols"),
    [
        (23, 6, 8, 18.25 + 8 + 9 * 5),
        (23, 5, 8, 18.25 + 8 + 10 * 5),
        (23, 6, 16, 22.25 + 8 + 9 * 5),
        (0, 5, 12, 18.25 + 13),
    ],
)
def test_spreading_factors_5_and_6(length: int, spreading_factor: int, preamble: int, symbols: float) -> None:
    airtime = time_on_air(spreading_factor, 125, length, crc=True, preamble=preamble)
    assert airtime == symbols * symbol_time(spreading_factor, 125)


@given(st.integers(5, 12), st.sampled_from([125, 250, 500]), st.integers(0, 254), st.booleans())
def test_a_longer_frame_never_takes_less_time(spreading_factor: int, bandwidth: int, length: int, crc: bool) -> None:
    shorter = time_on_air(spreading_factor, bandwidth, length, crc=crc)
    assert shorter <= time_on_air(spreading_factor, bandwidth, length + 1, crc=crc)
    assert shorter % (symbol_time(spreading_factor, bandwidth) // 4) == 0


@pytest.mark.parametrize(("spreading_factor", "bandwidth"), [(4, 125), (13, 125), (7, 62)])
def test_other_modulations_are_refused(spreading_factor: int, bandwidth: int) -> None:
    with pytest.raises(ValueError, match=f"SF{spreading_factor}/{bandwidth} kHz"):
        symbol_time(spreading_factor, bandwidth)
