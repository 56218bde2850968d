"""Regional parameters of EU868 and US915 (LoRaWAN RP002): what may be sent where, how long, and how strongly.

Frequencies are in Hz, powers in dBm, times in microseconds. Data rates are numbers of the region's table; a region's
uplink and downlink rates share one table. FSK and LR-FHSS are not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from plugins.lora_broadcast.airtime import SECOND, DataRate, time_on_air


class SubBand(NamedTuple):
    """A band whose transmitters share one duty cycle: the share of time in thousandths, 1000 where there is none."""

    name: str
    low: int
    high: int
    per_mille: int


class Channel(NamedTuple):
    """A frequency, and the data rate that is used on it."""

    frequency: int
    data_rate: int


class Beacon(NamedTuple):
    """The beacon of class B: its data rate and its bytes, which have no header of their own and a longer preamble."""

    data_rate: int
    length: int


BEACON_PREAMBLE = 10


@dataclass(frozen=True)
class Region:
    """`uplink_rates` are those that devices choose from, slowest first; `uplink_channels` those of every gateway.

    `dwell` is how long an uplink may last, None where that is not limited. `second_window` is RX2, which devices of
    class C always listen to. RX1 is on one of `first_windows`, that of the same position as the uplink's channel, at a
    rate that is `rate_shift` above the uplink's, at most `fastest_downlink`. Beacons and ping slots take turns on
    `slot_frequencies`.
    """

    name: str
    data_rates: Mapping[int, DataRate]
    uplink_rates: tuple[int, ...]
    uplink_channels: tuple[int, ...]
    sub_bands: tuple[SubBand, ...]
    dwell: int | None
    device_power: float
    gateway_power: float
    second_window: Channel
    first_windows: tuple[int, ...]
    rate_shift: int
    fastest_downlink: int
    slot_frequencies: tuple[int, ...]
    beacon: Beacon

    def band(self, frequency: int) -> SubBand:
        """The sub-band of a frequency; ValueError where the region has none."""
        for band in self.sub_bands:
            if band.low <= frequency < band.high:
                return band
        raise ValueError(f"{frequency} Hz lies in no sub-band of {self.name}")

    @cached_property
    def downlink_band(self) -> SubBand:
        """The sub-band of RX2, in which broadcasts are sent."""
        return self.band(self.second_window.frequency)

    @cached_property
    def uplink_bands(self) -> tuple[tuple[SubBand, tuple[int, ...]], ...]:
        """The sub-bands of the uplink channels, with the channels of each."""
        bands = {self.band(channel): () for channel in self.uplink_channels}
        return tuple((band, tuple(c for c in self.uplink_channels if self.band(c) == band)) for band in bands)

    def downlink_rate(self, uplink_rate: int) -> int:
        """The data rate of downlinks to a device that sends at this one."""
        return min(uplink_rate + self.rate_shift, self.fastest_downlink)

    def first_window(self, channel: int, uplink_rate: int) -> Channel:
        """RX1 after an uplink."""
        position = self.uplink_channels.index(channel)
        return Channel(self.first_windows[position % len(self.first_windows)], self.downlink_rate(uplink_rate))

    def slot_frequency(self, address: int, beacon_number: int) -> int:
        """Where the ping slots of an address are in this beacon period; the beacon itself is at address 0."""
        return self.slot_frequencies[(address + beacon_number) % len(self.slot_frequencies)]

    @cached_property
    def beacon_airtime(self) -> int:
        """Microseconds of a beacon."""
        rate = self.data_rates[self.beacon.data_rate]
        factor, bandwidth = rate.spreading_factor, rate.bandwidth_khz
        return time_on_air(
            factor, bandwidth, self.beacon.length, crc=False, implicit_header=True, preamble=BEACON_PREAMBLE
        )


# The three default channels and the five that most operators add.
_EU868_UPLINKS = tuple(range(868_100_000, 868_600_000, 200_000)) + tuple(range(867_100_000, 868_000_000, 200_000))

EU868 = Region(
    name="EU868",
    data_rates=MappingProxyType(
        {
            0: DataRate(12, 125, 51),
            1: DataRate(11, 125, 51),
            2: DataRate(10, 125, 51),
            3: DataRate(9, 125, 115),
            4: DataRate(8, 125, 222),
            5: DataRate(7, 125, 222),
            6: DataRate(7, 250, 222),
            12: DataRate(6, 125, 242),
            13: DataRate(5, 125, 242),
        }
    ),
    uplink_rates=(0, 1, 2, 3, 4, 5),
    uplink_channels=_EU868_UPLINKS,
    sub_bands=(
        SubBand("863.0-865.0", 863_000_000, 865_000_000, 1),
        SubBand("865.0-868.0", 865_000_000, 868_000_000, 10),
        SubBand("868.0-868.6", 868_000_000, 868_600_000, 10),
        SubBand("868.7-869.2", 868_700_000, 869_200_000, 1),
        SubBand("869.4-869.65", 869_400_000, 869_650_000, 100),
        SubBand("869.7-870.0", 869_700_000, 870_000_000, 10),
    ),
    dwell=None,
    device_power=14.0,
    gateway_power=27.0,  # effective radiated power, the limit in 869.4-869.65 MHz
    second_window=Channel(869_525_000, 0),
    first_windows=_EU868_UPLINKS,
    rate_shift=0,
    fastest_downlink=5,
    slot_frequencies=(869_525_000,),
    beacon=Beacon(3, 17),
)

# The second group of eight of the 64 channels, as most networks use it.
_US915_UPLINKS = tuple(range(903_900_000, 905_400_000, 200_000))
_US915_DOWNLINKS = tuple(range(923_300_000, 927_600_000, 600_000))

US915 = Region(
    name="US915",
    data_rates=MappingProxyType(
        {
            0: DataRate(10, 125, 11),
            1: DataRate(9, 125, 53),
            2: DataRate(8, 125, 125),
            3: DataRate(7, 125, 242),
            4: DataRate(8, 500, 242),
            8: DataRate(12, 500, 33),
            9: DataRate(11, 500, 109),
            10: DataRate(10, 500, 222),
            11: DataRate(9, 500, 242),
            12: DataRate(8, 500, 242),
            13: DataRate(7, 500, 242),
        }
    ),
    uplink_rates=(0, 1, 2, 3),
    uplink_channels=_US915_UPLINKS,
    sub_bands=(SubBand("902.0-928.0", 902_000_000, 928_000_000, 1000),),
    dwell=400_000,
    device_power=20.0,
    gateway_power=27.0,
    second_window=Channel(923_300_000, 8),
    first_windows=_US915_DOWNLINKS,
    rate_shift=10,
    fastest_downlink=13,
    slot_frequencies=_US915_DOWNLINKS,
    beacon=Beacon(8, 23),
)

REGIONS: Mapping[str, Region] = MappingProxyType({region.name: region for region in (EU868, US915)})

# Receive windows, from the end of an uplink.
FIRST_WINDOW_DELAY = SECOND
SECOND_WINDOW_DELAY = 2 * SECOND
