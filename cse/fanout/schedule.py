"""Whose turn it is: for each silent host when to try again, and by which offers. Pure; time comes in as numbers."""

import heapq
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cse.fanout.states import State
from cse.network import Host, Reach, Unreachable, Way
from cse.store import Row

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
    avoided: frozenset[str] = frozenset()


def silent(rows: Iterable[Row], hosts: Mapping[str, Host]) -> list[Pending]:
    """One entry per host; a host that has gone from the tree meanwhile can still answer, but not be reached."""
    found: dict[str, Pending] = {}
    for row in rows:
        if row.state != State.WAITING or not row.host:
            continue
        if row.host in found:
            found[row.host].positions.append(row.position)
        else:
            host = hosts.get(row.host) or Host(row.host, ())
            found[row.host] = Pending(host, [row.position], row.attempts, row.network)
    return list(found.values())


class Schedule:
    """All silent hosts of a campaign. A host that is taken comes back with `again`, or is gone with `answered`.

    The queue holds hosts in batches, since those who heard a broadcast have their next turn together.
    """

    def __init__(self, pending: Iterable[Pending], now: float, broadcasts_allowed: int) -> None:
        self.pending = {item.host.id: item for item in pending}
        self._allowed = broadcasts_allowed
        self._broadcasts: Counter[tuple[str, str]] = Counter()
        self._ties = itertools.count()
        self._queue = [(now, next(self._ties), list(self.pending))]

    def __bool__(self) -> bool:
        return bool(self.pending)

    def take_due(self, now: float) -> list[Pending]:
        """The silent hosts whose time has come."""
        due: list[Pending] = []
        while self._queue and self._queue[0][0] <= now:
            batch = heapq.heappop(self._queue)[2]
            due += [self.pending[host_id] for host_id in batch if host_id in self.pending]
        return due

    def next_due(self) -> float | None:
        """When the next host's time comes; None while all are being delivered to."""
        while self._queue:
            moment, _, batch = self._queue[0]
            while batch and batch[-1] not in self.pending:
                batch.pop()
            if batch:
                return moment
            heapq.heappop(self._queue)
        return None

    def again(self, items: Iterable[Pending], moment: float) -> None:
        """Try these hosts again at that moment, as far as they are still silent."""
        batch = [item.host.id for item in items if item.host.id in self.pending]
        if batch:
            heapq.heappush(self._queue, (moment, next(self._ties), batch))

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
            item.avoided = frozenset()
            fresh = ways
        return [*fresh, *(entry for entry in reach if isinstance(entry, Unreachable))]

    def _is_spent(self, way: Way) -> bool:
        return way.offer.broadcast and self._broadcasts[way.offer.id, way.address] >= self._allowed
