"""The duty-cycle ledger of one transmitter: airtime in any hour, per sub-band (ETSI EN 300 220)."""

from collections import defaultdict, deque

from plugins.lora_broadcast.radio.kernel import HOUR
from plugins.lora_broadcast.regions import SubBand


class DutyCycleLedger:
    """Times are virtual microseconds. A transmission counts for an hour from its end."""

    def __init__(self) -> None:
        self._sent: defaultdict[str, deque[tuple[int, int]]] = defaultdict(deque)
        self._spent: defaultdict[str, int] = defaultdict(int)

    def record(self, band: SubBand, start: int, airtime: int) -> None:
        """A transmission has begun."""
        self._sent[band.name].append((start + airtime, airtime))
        self._spent[band.name] += airtime

    def left(self, band: SubBand, now: int) -> int:
        """Microseconds of airtime that may still begin at this moment."""
        entries = self._sent[band.name]
        while entries and entries[0][0] + HOUR <= now:
            self._spent[band.name] -= entries.popleft()[1]
        return allowance(band) - self._spent[band.name]

    def earliest(self, band: SubBand, airtime: int, now: int) -> int:
        """When a transmission of this airtime may begin; ValueError if it never may."""
        missing = airtime - self.left(band, now)
        if missing <= 0:
            return now
        for end, spent in self._sent[band.name]:
            missing -= spent
            if missing <= 0:
                return end + HOUR
        raise ValueError(f"{airtime} microseconds exceed the duty cycle of {band.name} MHz")


def allowance(band: SubBand) -> int:
    """Microseconds of airtime in an hour."""
    return HOUR * band.per_mille // 1000
