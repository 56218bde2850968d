"""Counts of a campaign, kept as it goes on, for its report in the tree: cheap however many members there are."""

from collections import Counter
from collections.abc import Collection
from typing import Any

from cse.fanout.states import State
from cse.primitive import Response
from cse.store import Campaign, Row
from cse.timing import timestamp

NOTHING = {"members": 0, "answered": 0, "failed": 0}
PLAN = ("members", "unserved", "cost", "unicastCost", "transmissions")


class Tally:
    """Each member is counted when it has its final state; those that wait for their device are known by position."""

    def __init__(self, members: int) -> None:
        self._members = members
        self._ends: Counter[tuple[str, str, str, int]] = Counter()  # by state, network, reason, response status code
        self._hints: dict[int, str] = {}

    def add(self, rows: Collection[Row]) -> None:
        """These rows have been written; each comes once with its final state."""
        waiting = State.WAITING.value
        ended = (row for row in rows if row.state != waiting)
        self._ends.update((row.state, row.network, row.reason, row.status_code) for row in ended)
        if self._hints:
            for row in rows:
                self._hints.pop(row.position, None)
        self._hints |= {row.position: row.reason for row in rows if row.reason and row.state == waiting}

    def values(self, campaign: Campaign) -> dict[str, Any]:
        """The attributes of a report: counts that add up, and what the campaign's document has."""
        states = {state.value: self._count(state=state) for state in State if state is not State.WAITING}
        document = campaign.document
        values: dict[str, Any] = {
            "total": self._members,
            "waiting": self._members - sum(states.values()),
            **states,
            "succeeded": self._succeeded(),
            "reasons": self._reasons(),
            "networks": self._by_network(document.get("networks", {})),
            "discarded": dict(document.get("discarded", {})),
            "setup": document.get("setup", {}),
        }
        if "plan" in document:
            values["plan"] = {name: document["plan"][name] for name in PLAN}
        if "canary" in document:
            canary = document["canary"]
            values["canary"] = {
                "members": len(canary["hosts"]),
                "succeeded": canary["succeeded"],
                "passed": canary["passed"],
            }
        if campaign.finished_at is not None:
            values |= {"state": campaign.state, "end": timestamp(campaign.finished_at)}
        if "why" in document:
            values["why"] = document["why"]
        return values

    def _count(self, *, state: str) -> int:
        return sum(count for end, count in self._ends.items() if end[0] == state)

    def _succeeded(self) -> int:
        ends = self._ends.items()
        return sum(count for (state, *_, code), count in ends if state == State.ANSWERED and Response(code).succeeded)

    def _reasons(self) -> dict[str, int]:
        reasons = Counter(self._hints.values())
        for (_, _, reason, _), count in self._ends.items():
            if reason:
                reasons[reason] += count
        return dict(reasons)

    def _by_network(self, totals: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {name: NOTHING | values for name, values in totals.items()}
        for (state, network, _, _), count in self._ends.items():
            row = found.setdefault(network or "none", dict(NOTHING))
            row["members"] += count
            if state in row:
                row[state] += count
        return found
