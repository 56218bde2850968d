"""What has been heard already, for a while."""

from collections import OrderedDict
from collections.abc import Hashable

MOST = 10_000


class Memory:
    """Things with a moment until which they are known; the oldest go when there are too many."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._until: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def is_new(self, thing: Hashable, now: float, until: float) -> bool:
        """Whether it is not known; from now on it is."""
        known = self._until.get(thing, now) > now
        if not known:
            self._until[thing] = until
            self._until.move_to_end(thing)
            if len(self._until) > self._most:
                self._until.popitem(last=False)
        return not known
