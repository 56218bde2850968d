import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.regions import EU868, REGIONS, US915, Channel, Region

ALL = pytest.mark.parametrize("region", REGIONS.values(), ids=list(REGIONS))


@pytest.mark.parametrize(
    ("region", "rate", "spreading_factor", "bandwidth", "payload"),
    [
        (EU868, 0, 12, 125, 51),
        (EU868, 1, 11, 125, 51),
        (EU868, 2, 10, 125, 51),
        (EU868, 3, 9, 125, 115),
        (EU868, 4, 8, 125, 222),
        (EU868, 5, 7, 125, 222),
        (EU868, 6, 7, 250, 222),
        (EU868, 12, 6, 125, 242),
        (EU868, 13, 5, 125, 242),
        (US915, 0, 10, 125, 11),
        (US915, 1, 9, 125, 53),
        (US915, 2, 8, 125, 125),
        (US915, 3, 7, 125, 242),
        (US915, 4, 8, 500, 242),
        (US915, 8, 12, 500, 33),
        (US915, 9, 11, 500, 109),
        (US915, 10, 10, 500, 222),
        (US915, 11, 9, 500, 242),
        (US915, 12, 8, 500, 242),
        (US915, 13, 7, 500, 242),
    ],
)
def test_data_rates(region: Region, rate: int, spreading_factor: int, bandwidth: int, payload: int) -> None:
    assert region.data_rates[rate] == (spreading_factor, bandwidth, payload)


@ALL
def test_the_largest_uplink_keeps_to_the_dwell_time(region: Region) -> None:
    longest = {
        rate: region.data_rates[rate].airtime(region.data_rates[rate].max_payload, uplink=True)
        for rate in region.uplink_rates
    }
    assert max(longest.values()) <= (region.dwell or 10 * SECOND)


def test_one_more_byte_would_exceed_the_dwell_time_of_us915() -> None:
    """The table of payloads sits just under 400 ms, which is a check of the time on air as well."""
    too_long = [
        US915.data_rates[rate].airtime(size, uplink=True) for rate, size in ((0, 12), (1, 56), (2, 127), (3, 243))
    ]
    assert US915.dwell == 400_000
    assert all(airtime > 0.99 * US915.dwell for airtime in too_long)


@ALL
def test_every_channel_lies_in_a_sub_band(region: Region) -> None:
    for frequency in (*region.uplink_channels, *region.first_windows, *region.slot_frequencies):
        assert region.band(frequency).low <= frequency < region.band(frequency).high
    assert len(region.uplink_channels) == 8
    assert sum(len(channels) for _, channels in region.uplink_bands) == 8


@pytest.mark.parametrize(
    ("megahertz", "per_mille"), [(863.5, 1), (867.1, 10), (868.1, 10), (868.9, 1), (869.525, 100), (869.8, 10)]
)
def test_duty_cycles_of_eu868(megahertz: float, per_mille: int) -> None:
    assert EU868.band(round(megahertz * 1e6)).per_mille == per_mille


@pytest.mark.parametrize(("region", "frequency"), [(EU868, 902_300_000), (EU868, 868_650_000), (US915, 868_100_000)])
def test_a_frequency_outside_the_region(region: Region, frequency: int) -> None:
    with pytest.raises(ValueError, match=region.name):
        region.band(frequency)


def test_us915_has_no_duty_cycle() -> None:
    assert {band.per_mille for band in US915.sub_bands} == {1000}


def test_first_receive_window() -> None:
    assert EU868.first_window(867_300_000, 3) == Channel(867_300_000, 3)
    assert US915.first_window(903_900_000, 0) == Channel(923_300_000, 10)
    assert US915.first_window(905_300_000, 3) == Channel(927_500_000, 13)


def test_second_receive_window_and_beacon() -> None:
    assert EU868.second_window == (869_525_000, 0)
    assert US915.second_window == (923_300_000, 8)
    assert EU868.downlink_band.per_mille == 100
    assert (EU868.beacon_airtime, US915.beacon_airtime) == (152_576, 305_152)


@given(st.integers(0, 2**32 - 1), st.integers(0, 10**6))
def test_ping_slots_take_turns_on_the_downlink_channels_of_us915(address: int, beacon: int) -> None:
    assert EU868.slot_frequency(address, beacon) == 869_525_000
    assert US915.slot_frequency(address, beacon) == 923_300_000 + 600_000 * ((address + beacon) % 8)
