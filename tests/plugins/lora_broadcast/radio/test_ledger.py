import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.radio.kernel import HOUR
from plugins.lora_broadcast.radio.ledger import DutyCycleLedger, allowance
from plugins.lora_broadcast.regions import EU868

DOWNLINK_BAND = EU868.downlink_band
ONE_PERCENT = EU868.band(868_100_000)


def test_allowances_of_an_hour() -> None:
    assert allowance(DOWNLINK_BAND) == 360 * SECOND
    assert allowance(ONE_PERCENT) == 36 * SECOND
    assert allowance(EU868.band(868_800_000)) == 3_600_000


def test_an_hour_at_the_slowest_rate_holds_128_broadcasts_in_the_10_percent_band_and_12_in_a_1_percent_band() -> None:
    for band, expected in ((DOWNLINK_BAND, 128), (ONE_PERCENT, 12)):
        ledger, now, sent = DutyCycleLedger(), 0, 0
        while (start := ledger.earliest(band, 2_793_472, now)) < HOUR:
            ledger.record(band, start, 2_793_472)
            now, sent = start + 2_793_472, sent + 1
        assert sent == expected
        assert start >= HOUR


def test_airtime_comes_back_an_hour_after_it_ended() -> None:
    ledger = DutyCycleLedger()
    ledger.record(ONE_PERCENT, 0, 30 * SECOND)
    ledger.record(ONE_PERCENT, 100 * SECOND, 5 * SECOND)
    assert ledger.left(ONE_PERCENT, 200 * SECOND) == SECOND
    assert ledger.earliest(ONE_PERCENT, SECOND, 200 * SECOND) == 200 * SECOND
    assert ledger.earliest(ONE_PERCENT, 2 * SECOND, 200 * SECOND) == HOUR + 30 * SECOND
    assert ledger.earliest(ONE_PERCENT, 32 * SECOND, 200 * SECOND) == HOUR + 105 * SECOND
    assert ledger.left(ONE_PERCENT, HOUR + 30 * SECOND) == 31 * SECOND


def test_sub_bands_are_apart() -> None:
    ledger = DutyCycleLedger()
    ledger.record(ONE_PERCENT, 0, 36 * SECOND)
    assert ledger.left(ONE_PERCENT, 0) == 0
    assert ledger.left(EU868.band(867_100_000), 0) == 36 * SECOND


def test_what_never_fits_is_an_error() -> None:
    with pytest.raises(ValueError, match="duty cycle"):
        DutyCycleLedger().earliest(ONE_PERCENT, 37 * SECOND, 0)


@given(st.lists(st.tuples(st.integers(0, HOUR // 4), st.integers(1, 3 * SECOND)), max_size=60))
def test_no_hour_ever_exceeds_the_duty_cycle(wishes: list[tuple[int, int]]) -> None:
    ledger, now = DutyCycleLedger(), 0
    sent: list[tuple[int, int]] = []
    for pause, airtime in wishes:
        now = ledger.earliest(ONE_PERCENT, airtime, now + pause)
        ledger.record(ONE_PERCENT, now, airtime)
        sent.append((now, airtime))
        now += airtime
    for start, airtime in sent:
        end = start + airtime
        overlaps = (min(end, one + length) - max(end - HOUR, one) for one, length in sent)
        within = sum(max(0, overlap) for overlap in overlaps)
        assert within <= allowance(ONE_PERCENT)
