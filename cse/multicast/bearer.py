"""What carries multicast to those who listen for a group."""

import math
from collections.abc import Mapping

from cse.multicast.records import Record


class Bearer:
    """Plain IP, which needs no more than an address. Networks that reserve something first inherit from this class."""

    async def open(self, record: Record) -> bool:
        """Reserve what is missing, or make what there is last longer; False if that is impossible now.

        When those who listen have to be told something else than before, nobody in the record listens for sure.
        """
        return True

    async def close(self, record: Record) -> None:
        """Nobody listens any longer: give back what is reserved."""

    def lasts(self, record: Record) -> float:
        """Seconds until `open` is to be called again."""
        return math.inf

    def attributes(self, record: Record) -> Mapping[str, str]:
        """What those who listen are told beside address, fan-out target, members and window."""
        return {}
