from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.radio.ping_slots import (
    BEACON_GUARD,
    BEACON_PERIOD,
    BEACON_RESERVED,
    SLOT,
    SLOTS,
    is_slot,
    next_slot,
    slot_offset,
)

POWERS = st.integers(0, 7).map(lambda exponent: 1 << exponent)
ADDRESSES = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("after", "slots", "milliseconds"),
    [(0, 1, 74_300), (120_000, 1, 185_620), (0, 2, 12_860), (13_000, 2, 74_300), (124_000, 128, 124_220)],
)
def test_next_slot_of_address_0(after: int, slots: int, milliseconds: int) -> None:
    """The values agree with those of independent network servers."""
    assert next_slot(after * 1000, 0, slots) == milliseconds * 1000


@pytest.mark.parametrize(
    ("beacon", "slots", "offset"),
    [(0, 1, 1612), (128, 1, 1448), (1_280_000_000, 1, 2528), (1_280_000_000, 16, 224), (1_280_000_000, 128, 0)],
)
def test_offsets(beacon: int, slots: int, offset: int) -> None:
    assert slot_offset(beacon, 0x01020304, slots) == offset


@given(st.integers(0, 10**6 * SECOND), ADDRESSES, POWERS)
def test_a_slot_comes_within_two_beacon_periods_and_outside_the_reserved_time(
    after: int, address: int, slots: int
) -> None:
    time = next_slot(after, address, slots)
    assert after < time < after + 2 * BEACON_PERIOD
    assert BEACON_RESERVED <= time % BEACON_PERIOD <= BEACON_PERIOD - BEACON_GUARD
    assert is_slot(time, address, slots)
    assert not is_slot(time + 1, address, slots)


@given(st.integers(0, 10**6), ADDRESSES, POWERS)
def test_every_beacon_period_has_as_many_slots_as_was_agreed(number: int, address: int, slots: int) -> None:
    time, found = number * BEACON_PERIOD, []
    while (time := next_slot(time, address, slots)) < (number + 1) * BEACON_PERIOD:
        found.append(time)
    assert len(found) == slots
    assert {later - earlier for earlier, later in pairwise(found)} <= {SLOTS // slots * SLOT}
