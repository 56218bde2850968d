"""Whose turn it is: for each silent host when to try again, and by which offers. Pure; time comes in as numbers."""

import heapq
import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cse.network import Host, Reach, Unreachable, Way

TEMPORARY = frozenset({"OFFLINE", "DUTY_CYCLE", "NOT_JOINED"})


@dataclass(slots=True)
class Pending:
    """A host that has not answered yet, and the positions of its members among the campaign's rows.

    `avoided` are offers that failed for it; `failure` is what the last attempt ended with, "" for silence.
    """

    host: Host
    positions: list[int]
    attempts: int = 0
    network: str = ""
    failure: str = ""
    unreachable: Unreachable | None = None
    avoided: set[str] = field(default_factory=set)


class Schedule:
    """All silent hosts of a campaign. A host that is taken comes back with `again`, or is gone with `answered`."""

    def __init__(self, pending: Iterable[Pending], now: float, broadcasts_allowed: int) -> None:
        self.pending = {item.host.id: item for item in pending}
        self._allowed = broadcasts_allowed
        self._broadcasts: Counter[tuple[str, str]] = Counter()
        self._ties = itertools.count()
        self._queue = [(now, next(self._ties), host_id) for host_id in self.pending]

    def __bool__(self) -> bool:
        return bool(self.pending)

    def take_due(self, now: float) -> list[Pending]:
        """The silent hosts whose time has come."""
        due = []
        while self._queue and self._queue[0][0] <= now:
            item = self.pending.get(heapq.heappop(self._queue)[2])
            if item is not None:
                due.append(item)
        return due

    def next_due(self) -> float | None:
        """When the next host's time comes; None while all are being delivered to."""
        while self._queue and self._queue[0][2] not in self.pending:
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def again(self, item: Pending, moment: float) -> None:
        """Try this host again at that moment if it is still silent."""
        if item.host.id in self.pending:
            heapq.heappush(self._queue, (moment, next(self._ties), item.host.id))

    def answered(self, host_id: str) -> Pending | None:
        """The host has answered, or is given up; None if it had before."""
        return self.pending.pop(host_id, None)

    def sending(self, items: Sequence[Pending], way: Way) -> int:
        """A transmission goes out to these hosts this way; its number, for a broadcast that of the datagram."""
        for item in items:
            item.attempts += 1
            item.network = way.offer.network
        if not way.offer.broadcast:
            return items[0].attempts
        datagram = way.offer.id, way.address
        self._broadcasts[datagram] += 1
        return self._broadcasts[datagram]

    def usable(self, item: Pending, reach: Reach) -> Reach:
        """What is left to try for a host: no spent broadcast, nothing that failed; when nothing is left, all again."""
        ways = [entry for entry in reach if isinstance(entry, Way) and not self._is_spent(entry)]
        fresh = [way for way in ways if way.offer.id not in item.avoided]
        if ways and not fresh:
            item.avoided.clear()
            fresh = ways
        return [*fresh, *(entry for entry in reach if isinstance(entry, Unreachable))]

    def _is_spent(self, way: Way) -> bool:
        return way.offer.broadcast and self._broadcasts[way.offer.id, way.address] >= self._allowed
