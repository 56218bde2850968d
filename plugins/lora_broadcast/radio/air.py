"""What happens on the channel: who can demodulate a transmission, given everything else that is on the air."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from plugins.lora_broadcast.airtime import DATA_RATES, PREAMBLE_SYMBOLS, symbol_time
from plugins.lora_broadcast.radio.propagation import SENSITIVITIES

# A frame survives interference on its own spreading factor when it is this much stronger (LoRaSim's threshold).
CAPTURE_MARGIN = 6.0
# A receiver needs the last five symbols of the preamble to lock on; earlier ones may be disturbed (LoRaSim).
PREAMBLE_SYMBOLS_NEEDED = 5
DEMODULATORS = 8


@dataclass(frozen=True, slots=True)
class Transmission:
    """Something on the air, from `start` to `end` in virtual microseconds.

    `levels` are the received powers in dBm by gateway for an uplink; a downlink has its transmitting `gateway`, and
    receivers know their loss to it.
    """

    frequency: int
    data_rate: int
    start: int
    end: int
    levels: tuple[float, ...] = ()
    gateway: int = -1

    @property
    def critical(self) -> int:
        """When interference starts to matter."""
        rate = DATA_RATES[self.data_rate]
        symbols = PREAMBLE_SYMBOLS - PREAMBLE_SYMBOLS_NEEDED
        return self.start + symbols * symbol_time(rate.spreading_factor, rate.bandwidth_khz)

    def disturbs(self, other: "Transmission") -> bool:
        """Whether this one overlaps the part of the other that its receivers need (same channel and data rate)."""
        return self.start < other.end and self.end > other.critical


def demodulated(level: float, interference: Iterable[float]) -> bool:
    """Whether a frame of this level survives interferers of these levels on its channel and data rate."""
    return all(level - other >= CAPTURE_MARGIN for other in interference)


class Air:
    """Transmissions of the recent past, by channel and data rate. Different spreading factors do not disturb."""

    def __init__(self) -> None:
        self._recent: defaultdict[tuple[int, int], list[Transmission]] = defaultdict(list)

    def add(self, transmission: Transmission) -> None:
        """It begins now. What has ended before everything that is still on the air is forgotten."""
        recent = self._recent[transmission.frequency, transmission.data_rate]
        oldest = min((other.start for other in recent if other.end > transmission.start), default=transmission.start)
        recent[:] = [other for other in recent if other.end > oldest]
        recent.append(transmission)

    def interferers(self, transmission: Transmission) -> list[Transmission]:
        """The others that disturb it; complete once it has ended."""
        recent = self._recent[transmission.frequency, transmission.data_rate]
        return [other for other in recent if other is not transmission and other.disturbs(transmission)]


class Concentrator:
    """The receiver of one gateway: eight demodulators on all uplink channels, deaf while the gateway transmits."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.overloads = 0
        self._locked: list[int] = []
        self._deaf_until = 0

    def deafen(self, until: int) -> None:
        """The gateway transmits from now on: nothing that overlaps it is received."""
        self._deaf_until = until

    def lock(self, transmission: Transmission) -> bool:
        """At its start: whether the gateway notices the transmission and has a demodulator for it."""
        if transmission.levels[self.index] < SENSITIVITIES[transmission.data_rate]:
            return False
        if self._deaf_until > transmission.start:
            return False
        self._locked = [end for end in self._locked if end > transmission.start]
        if len(self._locked) == DEMODULATORS:
            self.overloads += 1
            return False
        self._locked.append(transmission.end)
        return True

    def receives(self, transmission: Transmission, interferers: Iterable[Transmission]) -> bool:
        """At its end, for one that was locked on to: whether it came through."""
        if self._deaf_until > transmission.start:
            return False
        levels = (other.levels[self.index] for other in interferers)
        return demodulated(transmission.levels[self.index], levels)
