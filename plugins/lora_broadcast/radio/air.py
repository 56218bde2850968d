"""What happens on the channel: who can demodulate a transmission, given everything else that is on the air."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from plugins.lora_broadcast.airtime import PREAMBLE_SYMBOLS, DataRate
from plugins.lora_broadcast.radio.interference import Thresholds

# A receiver needs the last five symbols of the preamble to lock on; earlier ones may be disturbed (LoRaSim).
PREAMBLE_SYMBOLS_NEEDED = 5
DEMODULATORS = 8


@dataclass(slots=True, eq=False)
class Transmission:
    """Something on the air, from `start` to `end` in virtual microseconds.

    `levels` are the received powers in dBm by gateway for an uplink; a downlink has its transmitting `gateway`, and
    receivers know their loss to it. Interference matters from `critical` on; `disturbers` are the others that overlap
    what receivers need of this one, complete once it has ended.
    """

    frequency: int
    rate: DataRate
    start: int
    end: int
    levels: Sequence[float] = ()
    gateway: int = -1
    critical: int = field(init=False)
    spreading_factor: int = field(init=False)
    disturbers: list["Transmission"] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.critical = self.start + (PREAMBLE_SYMBOLS - PREAMBLE_SYMBOLS_NEEDED) * self.rate.symbol
        self.spreading_factor = self.rate.spreading_factor


class Air:
    """Transmissions under way, by channel and direction: downlinks are inverted and do not disturb uplinks."""

    def __init__(self) -> None:
        self._active: defaultdict[tuple[int, bool], list[Transmission]] = defaultdict(list)

    def add(self, transmission: Transmission) -> None:
        """It begins now."""
        key = transmission.frequency, transmission.gateway >= 0
        active = [other for other in self._active[key] if other.end > transmission.start]
        for other in active:
            if other.end > transmission.critical:
                transmission.disturbers.append(other)
            if transmission.end > other.critical:
                other.disturbers.append(transmission)
        active.append(transmission)
        self._active[key] = active


class Concentrator:
    """The receiver of one gateway: eight demodulators on all uplink channels, deaf while the gateway transmits."""

    def __init__(self, index: int, sensitivities: dict[int, float], thresholds: Thresholds) -> None:
        self.index = index
        self.overloads = 0
        self._sensitivities = sensitivities
        self._thresholds = thresholds
        self._locked: list[int] = []
        self._deaf_until = 0

    def deafen(self, until: int) -> None:
        """The gateway transmits from now on: nothing that overlaps it is received."""
        self._deaf_until = until

    def lock(self, transmission: Transmission) -> bool:
        """At its start: whether the gateway notices the transmission and has a demodulator for it."""
        start = transmission.start
        if transmission.levels[self.index] < self._sensitivities[transmission.spreading_factor]:
            return False
        if self._deaf_until > start:
            return False
        if len(self._locked) >= DEMODULATORS:
            self._locked = [end for end in self._locked if end > start]
            if len(self._locked) >= DEMODULATORS:
                self.overloads += 1
                return False
        self._locked.append(transmission.end)
        return True

    def receives(self, transmission: Transmission) -> bool:
        """At its end, for one that was locked on to: whether it came through."""
        if self._deaf_until > transmission.start:
            return False
        thresholds, index = self._thresholds[transmission.spreading_factor], self.index
        level = transmission.levels[index]
        return all(
            level - other.levels[index] >= thresholds[other.spreading_factor] for other in transmission.disturbers
        )
