"""Counts of a campaign, kept as it goes on, for its report in the tree: cheap however many members there are."""

from collections import Counter
from collections.abc import Iterable
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
        self._states: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._networks: Counter[tuple[str, str]] = Counter()
        self._succeeded = 0
        self._hints: dict[int, str] = {}

    def add(self, rows: Iterable[Row]) -> None:
        """These rows have been written; each comes once with its final state."""
        for row in rows:
            self._hints.pop(row.position, None)
            if row.state != State.WAITING:
                self._settled(row)
            elif row.reason:
                self._hints[row.position] = row.reason

    def _settled(self, row: Row) -> None:
        self._states[row.state] += 1
        self._networks[row.network or "none", row.state] += 1
        if row.reason:
            self._reasons[row.reason] += 1
        if row.state == State.ANSWERED and Response(row.status_code).succeeded:
            self._succeeded += 1

    def values(self, campaign: Campaign) -> dict[str, Any]:
        """The attributes of a report: counts that add up, and what the campaign's document has."""
        states = {state.value: self._states[state.value] for state in State if state is not State.WAITING}
        document = campaign.document
        values: dict[str, Any] = {
            "total": self._members,
            "waiting": self._members - sum(states.values()),
            **states,
            "succeeded": self._succeeded,
            "reasons": dict(self._reasons + Counter(self._hints.values())),
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

    def _by_network(self, totals: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {name: NOTHING | values for name, values in totals.items()}
        for (network, state), count in self._networks.items():
            row = found.setdefault(network, dict(NOTHING))
            row["members"] += count
            if state in row:
                row[state] += count
        return found
