"""Looks through everything that is in a store, in one unit, and says what does not fit together.

One row after the other is in memory, whatever the size of the store. What is special to a resource type, the type says
itself (`ResourceType.audit`).
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from cse.fanout.states import State
from cse.primitive import Request
from cse.storage.transfer import is_last_number
from cse.store import Campaign, Resource, Row
from cse.store.filling import is_being_filled
from cse.work import Work

NEEDED = {"ri": str, "pi": str, "rn": str, "ty": int}
RESTORE = "put a backup in place of the store"


class Finding(NamedTuple):
    """What is wrong: where, a path or a table and what it is about, and a sentence with the remedy."""

    where: str
    problem: str


class Audit:
    """Of what one unit sees. `rows` says how many rows of each table have been looked at."""

    def __init__(self, work: Work) -> None:
        self.rows: Counter[str] = Counter()
        self._work = work
        self._tables = work.transaction

    def findings(self) -> Iterator[Finding]:
        """All that is wrong."""
        if is_being_filled(self._tables):
            yield Finding("store", "a conversion into it has not been finished: remove it, and convert once more")
            return
        yield from self._resources()
        yield from self._lists()
        yield from self._owned()
        yield from self._campaigns()
        yield from self._effects()

    def _exported(self, table: str) -> Iterator[tuple[Any, ...]]:
        for row in self._tables.tables[table].export():
            if not is_last_number(row):
                self.rows[table] += 1
                yield row

    def _resources(self) -> Iterator[Finding]:
        for path, creator, attributes in self._exported("resources"):
            wrong = [name for name, kind in NEEDED.items() if not isinstance(attributes.get(name), kind)]
            if wrong:
                yield Finding(path, f"attribute {wrong[0]} is missing or has another type: {RESTORE}")
                continue
            resource = Resource(path, creator, attributes)
            yield from (Finding(path, problem) for problem in self._place(resource))
            yield from (Finding(path, problem) for problem in self._by_type(resource))

    def _place(self, resource: Resource) -> Iterator[str]:
        """Whether it is found, and is where it says."""
        tree, (above, _, name) = self._tables.resources, resource.path.rpartition("/")
        for found, by in ((tree.get(resource.ri), f"ri {resource.ri}"), (tree.find(resource.path), "path")):
            if found is None or (found.ri, found.path) != (resource.ri, resource.path):
                yield f"its {by} does not lead to it: {RESTORE}"
        parent = tree.get(resource.pi)
        if resource.pi and parent is None:
            yield f"its parent {resource.pi} is missing: {RESTORE}"
        elif (parent.path if parent else "", resource.attributes["rn"]) != (above, name):
            yield f"its path and its pi {resource.pi} or rn {resource.attributes['rn']} do not agree: {RESTORE}"

    def _by_type(self, resource: Resource) -> Iterator[str]:
        if resource.ty not in self._work.model.types:
            yield f"nobody knows resource type {resource.ty}: install the plugin that brings it"
            return
        try:
            yield from self._work.type_of(resource).audit(self._work, resource)
        except Exception as error:
            yield f"its attributes do not fit resource type {resource.ty} ({error!r}): {RESTORE}"

    def _lists(self) -> Iterator[Finding]:
        last = ("", -1)
        for ri, position, item, target in self._exported("lists"):
            place, last = last, (ri, position)
            if place[0] != ri and self._tables.resources.get(ri) is None:
                yield Finding(f"list of {ri}", f"there is no such resource: {RESTORE}")
            if target is not None and self._tables.resources.get(target) is None:
                yield Finding(f"list of {ri}", f"item {item} stands for {target}, which is missing: UPDATE the list")

    def _owned(self) -> Iterator[Finding]:
        """Alarms, and what waits."""
        for ri, name, _ in self._exported("alarms"):
            if self._tables.resources.get(ri) is None:
                yield Finding(f"alarm {name} of {ri}", f"there is no such resource: {RESTORE}")
        for number, (ri, name, _) in self._numbered("queues"):
            if self._tables.resources.get(ri) is None:
                yield Finding(f"queue {name} of {ri}", f"{number} waits for a resource that is missing: {RESTORE}")

    def _numbered(self, table: str) -> Iterator[tuple[int, tuple[Any, ...]]]:
        for _, number, *values in self._exported(table):
            yield number, tuple(values)

    def _campaigns(self) -> Iterator[Finding]:
        campaign: Campaign | None = None
        members = 0
        for what, *values in self._exported("campaigns"):
            if what == "campaign":
                yield from self._sums(campaign, members)
                campaign, members = Campaign(*values), 0
            elif campaign is not None:
                yield from self._member(campaign, members, values)
                members += 1
        yield from self._sums(campaign, members)

    def _member(self, campaign: Campaign, position: int, values: list[Any]) -> Iterator[Finding]:
        of, row = values[0], Row(*values[1:])
        if (of, row.position) != (campaign.id, position):
            yield Finding(f"campaign {campaign.id}", f"its member {position} is missing: {RESTORE}")
        if row.state not in set(State):
            yield Finding(f"campaign {campaign.id}", f"member {position} has the state {row.state}: {RESTORE}")

    def _sums(self, campaign: Campaign | None, members: int) -> Iterator[Finding]:
        """Whether a campaign adds up, can be read, and has nobody left when it is over."""
        if campaign is None:
            return
        counts = self._tables.campaigns.counts(campaign.id)
        waiting = sum(count for (_, state, _), count in counts.items() if state == State.WAITING)
        if sum(counts.values()) != members:
            yield Finding(f"campaign {campaign.id}", f"its counts do not add up to {members} members: {RESTORE}")
        if campaign.finished_at is not None and waiting:
            yield Finding(f"campaign {campaign.id}", f"it is over, and {waiting} members are still waiting: {RESTORE}")
        try:
            Request.from_json(campaign.request)
        except Exception as error:
            yield Finding(f"campaign {campaign.id}", f"its request cannot be read ({error!r}): {RESTORE}")

    def _effects(self) -> Iterator[Finding]:
        for number, (kind, document, _) in self._numbered("effects"):
            if not kind or not isinstance(document, dict):
                yield Finding(f"effect {number}", f"it cannot be read: {RESTORE}")
