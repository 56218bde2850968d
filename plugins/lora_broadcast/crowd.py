"""What matters of many devices together for the time that their answers take."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from plugins.lora_broadcast.network_server import DeviceFacts


@dataclass
class Crowd:
    """`rates` is how many answer at each data rate, `longest_interval_s` the longest time between uplinks."""

    rates: Counter[int] = field(default_factory=Counter)
    longest_interval_s: int = 0

    @classmethod
    def of(cls, devices: Iterable[DeviceFacts]) -> "Crowd":
        """All of these."""
        crowd = cls()
        for facts in devices:
            crowd.add(facts)
        return crowd

    def add(self, facts: DeviceFacts) -> None:
        """One more."""
        self.rates[facts.data_rate] += 1
        self.longest_interval_s = max(self.longest_interval_s, facts.uplink_interval_s)

    @property
    def size(self) -> int:
        """How many they are."""
        return self.rates.total()
