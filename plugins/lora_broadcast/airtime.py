"""LoRa time on air and the regional parameters of EU868 (Semtech AN1200.13, LoRaWAN RP002-1.0.4).

All times are integer microseconds: with bandwidths of 125, 250 and 500 kHz every symbol is a whole number of them.
"""

from typing import NamedTuple

SECOND = 1_000_000
REGION = "EU868"

# MHDR 1, FHDR 7, FPort 1, MIC 4: what LoRaWAN adds to an application payload without MAC options.
FRAME_OVERHEAD = 13
PREAMBLE_SYMBOLS = 8
# Symbols longer than this need the low data rate optimisation.
LONGEST_PLAIN_SYMBOL = 16_000


def symbol_time(spreading_factor: int, bandwidth_khz: int) -> int:
    """Microseconds of one symbol."""
    if not 7 <= spreading_factor <= 12 or bandwidth_khz not in (125, 250, 500):
        raise ValueError(f"no LoRa modulation of EU868: SF{spreading_factor}/{bandwidth_khz} kHz")
    return (1 << spreading_factor) * 1000 // bandwidth_khz


def time_on_air(
    spreading_factor: int,
    bandwidth_khz: int,
    length: int,
    *,
    crc: bool,
    coding_rate: int = 1,
    implicit_header: bool = False,
    preamble: int = PREAMBLE_SYMBOLS,
) -> int:
    """Microseconds that a PHYPayload of `length` bytes takes. Uplinks carry a payload CRC, downlinks do not.

    `coding_rate` is 1 for 4/5 up to 4 for 4/8.
    """
    symbol = symbol_time(spreading_factor, bandwidth_khz)
    bits = 8 * length - 4 * spreading_factor + 28 + 16 * crc - 20 * implicit_header
    bits_per_block = 4 * (spreading_factor - 2 * (symbol > LONGEST_PLAIN_SYMBOL))
    payload_symbols = 8 + max(0, -(-bits // bits_per_block)) * (coding_rate + 4)
    return (4 * (preamble + payload_symbols) + 17) * symbol // 4


class DataRate(NamedTuple):
    """One uplink and downlink data rate; `max_payload` is the safe application payload (behind a repeater too)."""

    spreading_factor: int
    bandwidth_khz: int
    max_payload: int

    def airtime(self, payload: int, *, uplink: bool) -> int:
        """Microseconds of a frame with so many bytes of application payload."""
        return time_on_air(self.spreading_factor, self.bandwidth_khz, payload + FRAME_OVERHEAD, crc=uplink)


DATA_RATES = (
    DataRate(12, 125, 51),
    DataRate(11, 125, 51),
    DataRate(10, 125, 51),
    DataRate(9, 125, 115),
    DataRate(8, 125, 222),
    DataRate(7, 125, 222),
)


class SubBand(NamedTuple):
    """A band whose transmitters share one duty cycle: frequencies in Hz, the share of time in thousandths."""

    name: str
    low: int
    high: int
    per_mille: int


SUB_BANDS = (
    SubBand("863.0-865.0", 863_000_000, 865_000_000, 1),
    SubBand("865.0-868.0", 865_000_000, 868_000_000, 10),
    SubBand("868.0-868.6", 868_000_000, 868_600_000, 10),
    SubBand("868.7-869.2", 868_700_000, 869_200_000, 1),
    SubBand("869.4-869.65", 869_400_000, 869_650_000, 100),
    SubBand("869.7-870.0", 869_700_000, 870_000_000, 10),
)

# The three default channels and the five that most operators add.
UPLINK_CHANNELS = (
    868_100_000,
    868_300_000,
    868_500_000,
    867_100_000,
    867_300_000,
    867_500_000,
    867_700_000,
    867_900_000,
)
# RX2 and, here, class C multicast.
DOWNLINK_CHANNEL = 869_525_000


def sub_band(frequency: int) -> SubBand:
    """The sub-band of a frequency in Hz; ValueError where EU868 has none."""
    for band in SUB_BANDS:
        if band.low <= frequency < band.high:
            return band
    raise ValueError(f"{frequency} Hz lies in no sub-band of {REGION}")


DOWNLINK_BAND = sub_band(DOWNLINK_CHANNEL)
