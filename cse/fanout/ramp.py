"""Before and while many are asked: a few go first, and too many failures stop it all."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from cse.config import ServerSettings
from cse.fanout.rest import wakes_at
from cse.fanout.schedule import Pending
from cse.fanout.states import Failure, State
from cse.network import Host, Reach, Way
from cse.primitive import Response
from cse.store import Campaign, Row

COUNTED = frozenset({Failure.SILENT, Failure.REFUSED, Failure.ERROR, Failure.EXPIRED})


def outcome(row: Row) -> bool | None:
    """Whether a member has done what was asked; None if that is open, or says nothing of the request."""
    if row.state == State.ANSWERED and row.host:
        return Response(row.status_code).succeeded
    return False if row.state == State.FAILED and row.reason in COUNTED else None


class Threshold:
    """How many of those that have finished failed."""

    def __init__(self, settings: ServerSettings, rows: Iterable[Row]) -> None:
        self._percent = settings.abort_percent
        self._minimum = settings.abort_minimum
        outcomes = [] if self._percent >= 100 else [outcome(row) for row in rows]
        self._succeeded, self._failed = outcomes.count(True), outcomes.count(False)

    def ended(self, members: int, *, succeeded: bool) -> None:
        """So many more have finished."""
        if succeeded:
            self._succeeded += members
        else:
            self._failed += members

    def objection(self) -> str:
        """Why the campaign must stop, "" while it need not."""
        finished = self._succeeded + self._failed
        if finished < self._minimum or self._failed * 100 <= self._percent * finished:
            return ""
        return f"{self._failed} of {finished} members failed, more than {self._percent:g} % (abort_percent)"


class Offers(Protocol):
    """What the networks have offered (`cse.fanout.offers`)."""

    def to(self, host: Host) -> Reach:
        """To this host."""


class Canary:
    """The first few hosts, which are asked by unicast before the others are. It is kept in the campaign's document."""

    def __init__(self, settings: ServerSettings, campaign: Campaign, rows: Sequence[Row]) -> None:
        self._size = settings.canary
        self._share = settings.canary_success
        self._patience = settings.canary_timeout
        self._campaign = campaign
        self._held: list[Pending] = []
        self._first = frozenset(self._chosen.get("hosts", ()))
        self._outcomes = {row.host: outcome(row) for row in rows if row.host in self._first} if self._first else {}

    @property
    def _chosen(self) -> dict[str, Any]:
        chosen: dict[str, Any] = self._campaign.document.get("canary", {})
        return chosen

    @property
    def hosts(self) -> frozenset[str]:
        """Who goes first, while the others wait for them."""
        return frozenset() if self._is_passed else self._first

    @property
    def until(self) -> float:
        """When those who go first must have succeeded."""
        return math.inf if self._is_passed or not self._chosen else float(self._chosen["until"])

    @property
    def _is_passed(self) -> bool:
        return not self._size or self._chosen.get("passed", False)

    def admit(self, due: Sequence[Pending], offers: Offers, now: float) -> Sequence[Pending]:
        """Of those whose turn it is, the ones that may be asked now; the others are held back."""
        if not self._is_passed and not self._chosen:
            self._choose(due, offers, now)
        if self._is_passed:
            return due
        self._held += [item for item in due if item.host.id not in self._first]
        return [item for item in due if item.host.id in self._first]

    def ways(self, item: Pending, reach: Reach) -> Reach:
        """Who goes first is not asked by a broadcast, which others would hear."""
        if item.host.id not in self.hosts:
            return reach
        return [entry for entry in reach if not (isinstance(entry, Way) and entry.offer.broadcast)]

    @property
    def is_holding(self) -> bool:
        """Whether somebody is held back."""
        return bool(self._held)

    def ended(self, host_id: str, *, succeeded: bool) -> None:
        """A host has finished."""
        if host_id in self._first:
            self._outcomes[host_id] = succeeded
            self._chosen["succeeded"] = self._succeeded
            self._chosen["passed"] |= self._succeeded >= self._needed

    def objection(self, now: float) -> str:
        """Why the others must not be asked at all, "" while they may be."""
        if self._is_passed or not self._chosen:
            return ""
        hosts = len(self.hosts)
        failed = list(self._outcomes.values()).count(False)
        if now < self.until and failed <= hosts - self._needed:
            return ""
        return f"{self._succeeded} of the first {hosts} members succeeded, not {self._needed} (canary_success)"

    def released(self) -> list[Pending]:
        """Those held back, as soon as they may be asked."""
        if not self._is_passed:
            return []
        held, self._held = self._held, []
        return held

    def prolong(self, now: float) -> None:
        """A pause is over: those who go first have all their time again."""
        if self._chosen:
            self._chosen["until"] = now + self._patience

    @property
    def _succeeded(self) -> int:
        return list(self._outcomes.values()).count(True)

    @property
    def _needed(self) -> int:
        return math.ceil(len(self._first) * self._share / 100)

    def _choose(self, due: Sequence[Pending], offers: Offers, now: float) -> None:
        """Some that are spread over the whole group; nobody where all could be asked, or none by unicast."""
        awake = [item.host for item in due if wakes_at(item.host, now) is None]
        able = [host.id for host in awake if _has_unicast(offers.to(host))]
        step = max(1, len(able) // max(1, self._size))
        hosts = able[::step][: self._size]
        self._first = frozenset(hosts)
        self._campaign.document["canary"] = {
            "hosts": hosts,
            "until": now + self._patience,
            "succeeded": 0,
            "passed": not hosts or len(due) <= self._size,
        }


def _has_unicast(reach: Reach) -> bool:
    return any(isinstance(entry, Way) and not entry.offer.broadcast for entry in reach)
