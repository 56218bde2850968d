"""Whose turn it is: for each silent host when to try again, and by which offers. Pure; time comes in as numbers."""

import heapq
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from cse.fanout.states import State
from cse.network import Host, Policy, Reach, Unreachable, Way
from cse.store import Row

TEMPORARY = frozenset({"OFFLINE", "DUTY_CYCLE", "NOT_JOINED"})


@dataclass(slots=True)
class Pending:
    """A host that has not answered yet, and the positions of its members among the campaign's rows.

    `avoided` are offers and addresses that failed for it, `failure` is what the last attempt ended with ("": silence).
    `due` is when its turn comes, None while it has it.
    `answer` are the changes of a row that an answer brings which counts only if no other one comes. `heard` says that
    it may have received the request.
    """

    host: Host
    positions: list[int]
    attempts: int = 0
    network: str = ""
    failure: str = ""
    answer: dict[str, Any] | None = None
    due: float | None = None
    unreachable: Unreachable | None = None
    avoided: frozenset[tuple[str, str]] = frozenset()
    heard: bool = False


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
            found[row.host] = Pending(
                host, [row.position], row.attempts, row.network, answer=_preliminary(row), heard=row.attempts > 0
            )
    return list(found.values())


def _preliminary(row: Row) -> dict[str, Any] | None:
    """The answer of a host that is asked again, from its row."""
    names = ("status_code", "content", "network", "attempts", "answered_at")
    return {name: getattr(row, name) for name in names} if row.status_code else None


class Schedule:
    """All silent hosts of a campaign. A host that is taken comes back with `again`, or is gone with `answered`.

    The queue holds hosts in batches, since those who heard a broadcast have their next turn together. `repeats` says
    whether a CSE may get the request again when it may have received it; a repeated broadcast it recognises.
    """

    def __init__(
        self,
        pending: Iterable[Pending],
        now: float,
        broadcasts_allowed: int,
        policies: Mapping[str, Policy] = MappingProxyType({}),
        *,
        repeats: bool = True,
        sent: Iterable[tuple[str, str, int]] = (),
    ) -> None:
        self.pending = {item.host.id: item for item in pending}
        self.repeats = repeats
        self._allowed = broadcasts_allowed
        self._policies = policies
        self._broadcasts = Counter({(offer, address): count for offer, address, count in sent})
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._ties = itertools.count()
        self._queue: list[tuple[float, int, list[str]]] = []
        self.again(self.pending.values(), now)

    def __bool__(self) -> bool:
        return bool(self.pending)

    def take_due(self, now: float) -> list[Pending]:
        """The silent hosts whose time has come."""
        due: list[Pending] = []
        while self._queue and self._queue[0][0] <= now:
            batch = heapq.heappop(self._queue)[2]
            due += [self.pending[host_id] for host_id in batch if self._is_due(host_id, now)]
        for item in due:
            item.due = None
        return due

    def _is_due(self, host_id: str, now: float) -> bool:
        """A host whose turn was hastened is in a batch for a later one as well."""
        moment = self.pending[host_id].due if host_id in self.pending else None
        return moment is not None and moment <= now

    def hasten(self, item: Pending, moment: float) -> None:
        """The turn of a host comes at this moment already, unless it has it now."""
        if item.due is not None and item.due > moment:
            self.again([item], moment)

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
        silent = [item for item in items if item.host.id in self.pending]
        batch = [item.host.id for item in silent]
        for item in silent:
            item.due = moment
        if batch:
            heapq.heappush(self._queue, (moment, next(self._ties), batch))

    @property
    def sent(self) -> list[tuple[str, str, int]]:
        """How often each broadcast has gone out, by offer and address: for another schedule, after a restart."""
        return [(offer, address, count) for (offer, address), count in self._broadcasts.items()]

    def is_asked(self, host_id: str) -> bool:
        """Whether something has gone out to a host that is still silent."""
        return host_id in self.pending and self.pending[host_id].attempts > 0

    def answered(self, host_id: str) -> Pending | None:
        """The host has answered, or is given up; None if it had before."""
        return self.pending.pop(host_id, None)

    def sending(self, items: Sequence[Pending], way: Way) -> int:
        """A transmission goes out to these hosts this way; its number, for a broadcast that of the datagram."""
        for item in items:
            item.attempts += 1
            item.network = way.offer.network
        if not way.offer.broadcast:
            if self._most_attempts(way):
                self._attempts.update((item.host.id, way.offer.network) for item in items)
            return items[0].attempts
        datagram = way.offer.id, way.address
        self._broadcasts[datagram] += 1
        return self._broadcasts[datagram]

    def usable(self, item: Pending, reach: Reach) -> Reach:
        """What is left to try for a host: nothing that is spent or has failed; if all have failed, all again.

        Of several addresses for unicast by the same offer, it is the first.
        """
        ways = [entry for entry in reach if isinstance(entry, Way) and not self._is_spent(item, entry)]
        ways = [way for way in ways if not self._is_risky(item, way)]
        fresh = [way for way in ways if (way.offer.id, way.address) not in item.avoided]
        if ways and not fresh:
            item.avoided = frozenset()
            fresh = ways
        first = {(way.offer.id, way.address if way.offer.broadcast else ""): way for way in reversed(fresh)}
        return [*reversed(first.values()), *(entry for entry in reach if isinstance(entry, Unreachable))]

    def is_exhausted(self, item: Pending, reach: Reach) -> bool:
        """Whether a policy allows no further attempt, and nothing else is left that may become possible."""
        ways = [entry for entry in reach if isinstance(entry, Way)]
        hopeless = all(isinstance(entry, Way) or entry.reason not in TEMPORARY for entry in reach)
        spent = all(self._is_spent(item, way) for way in ways)
        ended = item.answer is not None or any(self._has_no_attempt(item, way) for way in ways)
        return hopeless and spent and ended

    def _is_risky(self, item: Pending, way: Way) -> bool:
        """Whether it might be done twice."""
        is_same = way.offer.broadcast and way.offer.network == item.network
        return bool(item.host.cse) and item.heard and not self.repeats and not is_same

    def _is_spent(self, item: Pending, way: Way) -> bool:
        """Who has answered a broadcast does not answer its repetition."""
        if way.offer.broadcast:
            return item.answer is not None or self._broadcasts[way.offer.id, way.address] >= self._allowed
        return self._has_no_attempt(item, way)

    def _has_no_attempt(self, item: Pending, way: Way) -> bool:
        most = 0 if way.offer.broadcast else self._most_attempts(way)
        return bool(most) and self._attempts[item.host.id, way.offer.network] >= most

    def _most_attempts(self, way: Way) -> int:
        policy = self._policies.get(way.offer.network)
        return 0 if policy is None else policy.attempts
