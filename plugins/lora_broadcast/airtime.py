"""LoRa time on air (Semtech AN1200.13 and, for spreading factors 5 and 6, the SX126x data sheet).

All times are integer microseconds: with bandwidths of 125, 250 and 500 kHz every symbol is a whole number of them.
"""

from functools import cache
from typing import NamedTuple

SECOND = 1_000_000

# MHDR 1, FHDR 7, FPort 1, MIC 4: what LoRaWAN adds to an application payload without MAC options.
FRAME_OVERHEAD = 13
PREAMBLE_SYMBOLS = 8
# Spreading factors up to 6 need a longer preamble and have a longer synchronisation word.
LAST_SHORT_FACTOR = 6
SHORTEST_PREAMBLE_OF_SHORT_FACTORS = 12
# Symbols longer than this need the low data rate optimisation.
LONGEST_PLAIN_SYMBOL = 16_000


def symbol_time(spreading_factor: int, bandwidth_khz: int) -> int:
    """Microseconds of one symbol."""
    if not 5 <= spreading_factor <= 12 or bandwidth_khz not in (125, 250, 500):
        raise ValueError(f"no LoRa modulation of LoRaWAN: SF{spreading_factor}/{bandwidth_khz} kHz")
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
    short = spreading_factor <= LAST_SHORT_FACTOR
    bits = 8 * length - 4 * spreading_factor + 16 * crc + 20 * (not implicit_header) + 8 * (not short)
    bits_per_block = 4 * (spreading_factor - 2 * (symbol > LONGEST_PLAIN_SYMBOL))
    payload_symbols = 8 + max(0, -(-bits // bits_per_block)) * (coding_rate + 4)
    if short:
        preamble = max(preamble, SHORTEST_PREAMBLE_OF_SHORT_FACTORS) + 2
    return (4 * (preamble + payload_symbols) + 17) * symbol // 4


class DataRate(NamedTuple):
    """One data rate; `max_payload` is the largest application payload, behind a repeater too where that is less."""

    spreading_factor: int
    bandwidth_khz: int
    max_payload: int

    @property
    def symbol(self) -> int:
        """Microseconds of one symbol."""
        return symbol_time(self.spreading_factor, self.bandwidth_khz)

    def airtime(self, payload: int, *, uplink: bool) -> int:
        """Microseconds of a frame with so many bytes of application payload."""
        return _frame(self.spreading_factor, self.bandwidth_khz, payload, uplink)


@cache
def _frame(spreading_factor: int, bandwidth_khz: int, payload: int, uplink: bool) -> int:
    return time_on_air(spreading_factor, bandwidth_khz, payload + FRAME_OVERHEAD, crc=uplink)
