"""What a store is, in dictionaries: the tables of the contract, for comparison with an engine.

It checks nothing and is in no hurry. Numbers are counted here, so that only their order can be compared.
"""

import copy
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cse.errors import Conflict, NotFound
from cse.store import Alarm, Campaign, Effect, Queued, Resource, Row, Search


@dataclass
class State:
    """Resources by ri in the order of creation, lists by ri, alarms by ri and name, queues and effects by number."""

    resources: dict[str, Resource] = field(default_factory=dict)
    lists: dict[str, dict[int, tuple[str, str | None]]] = field(default_factory=dict)
    alarms: dict[tuple[str, str], float] = field(default_factory=dict)
    queued: dict[int, tuple[str, str, Any]] = field(default_factory=dict)
    campaigns: dict[str, tuple[Campaign, dict[int, Row]]] = field(default_factory=dict)
    sequence: int = 0
    effects: dict[int, Effect] = field(default_factory=dict)
    claimed: set[int] = field(default_factory=set)
    number: int = 0


class Part:
    """One table, which lives in the state of its model."""

    def __init__(self, model: "Model") -> None:
        self._model = model

    @property
    def state(self) -> State:
        return self._model.state


class ResourcesModel(Part):
    def get(self, ri: str) -> Resource | None:
        return copy.deepcopy(self.state.resources.get(ri))

    def find(self, path: str) -> Resource | None:
        return next((copy.deepcopy(each) for each in self.state.resources.values() if each.path == path), None)

    def insert(self, resource: Resource) -> None:
        key = resource.attributes.get("_key")
        if self.get(resource.ri) or self.find(resource.path) or (key and self.has_child(resource.pi, key)):
            raise Conflict
        self.state.resources[resource.ri] = copy.deepcopy(resource)

    def update(self, resource: Resource) -> None:
        if resource.ri not in self.state.resources:
            raise NotFound
        self.state.resources[resource.ri].attributes = copy.deepcopy(resource.attributes)

    def remove(self, resource: Resource) -> None:
        for gone in [each for each in self.state.resources.values() if is_within(resource.path, each.path)]:
            del self.state.resources[gone.ri]
            self.state.lists.pop(gone.ri, None)
            self.state.alarms = {key: due for key, due in self.state.alarms.items() if key[0] != gone.ri}
            self.state.queued = {number: each for number, each in self.state.queued.items() if each[0] != gone.ri}

    def has_child(self, ri: str, key: str) -> bool:
        return any(each.pi == ri and each.attributes.get("_key") == key for each in self.state.resources.values())

    def children(self, ri: str, ty: int | None = None, *, newest_first: bool = False) -> Iterator[Resource]:
        found = [each for each in self.state.resources.values() if each.pi == ri and ty in (None, each.ty)]
        return iter(copy.deepcopy(found[::-1] if newest_first else found))

    def search(self, search: Search) -> Iterator[Resource]:
        return iter([copy.deepcopy(each) for each in self.state.resources.values() if _fits(search, each)])

    def governed_by(self, policies: Sequence[str]) -> Iterator[Resource]:
        governed = [each for each in self.state.resources.values() if {*policies} & {*each.attributes.get("acpi", ())}]
        return iter(copy.deepcopy(governed))

    def expired(self, now: str, limit: int) -> list[Resource]:
        over = [each for each in self.state.resources.values() if each.attributes.get("et", "~") <= now]
        return copy.deepcopy(sorted(over, key=lambda each: str(each.attributes["et"]))[:limit])

    def next_expiration(self) -> str | None:
        ends = [each.attributes["et"] for each in self.state.resources.values() if "et" in each.attributes]
        return min(ends, default=None)


def is_within(root: str, path: str) -> bool:
    """Whether a path is a root or below it."""
    return f"{path}/".startswith(f"{root}/")


def _fits(search: Search, resource: Resource) -> bool:
    path, labels = resource.path, resource.attributes.get("lbl", ())
    return (
        path != search.root
        and is_within(search.root, path)
        and (not search.types or resource.ty in search.types)
        and (not search.labels or not {*search.labels}.isdisjoint(labels))
        and (search.levels is None or path.count("/") - search.root.count("/") <= search.levels)
    )


class ListsModel(Part):
    def replace(self, ri: str, items: Iterable[tuple[str, str | None]]) -> None:
        self.state.lists[ri] = dict(enumerate(items))

    def items(self, ri: str, *, after: int = -1, limit: int | None = None) -> list[tuple[int, str, str | None]]:
        return [(at, *item) for at, item in self.state.lists.get(ri, {}).items() if at > after][:limit]

    def count(self, ri: str) -> int:
        return len(self.state.lists.get(ri, {}))

    def drop_targets(self, path: str) -> list[str]:
        gone = {each.ri for each in self.state.resources.values() if is_within(path, each.path)}
        return self._drop(lambda item, target: target in gone)

    def drop_items(self, items: Collection[str]) -> list[str]:
        return self._drop(lambda item, target: target is None and item in items)

    def holders(self, target: str | None) -> list[str]:
        return [ri for ri, items in self.state.lists.items() if any(item[1] == target for item in items.values())]

    def _drop(self, condition: Any) -> list[str]:
        changed = []
        for ri, items in self.state.lists.items():
            self.state.lists[ri] = {at: item for at, item in items.items() if not condition(*item)}
            changed += [ri] if len(self.state.lists[ri]) < len(items) else []
        return changed


class CampaignsModel(Part):
    def add(self, campaign: Campaign, rows: Iterable[Row]) -> None:
        self.state.campaigns[campaign.id] = copy.deepcopy(campaign), {row.position: row for row in rows}
        self.state.sequence = max(self.state.sequence, campaign.sequence)

    def get(self, campaign_id: str) -> Campaign | None:
        return copy.deepcopy(self.state.campaigns.get(campaign_id, (None,))[0])

    def save(self, campaign: Campaign) -> None:
        if campaign.id in self.state.campaigns:
            self.state.campaigns[campaign.id] = copy.deepcopy(campaign), self.state.campaigns[campaign.id][1]

    def remove(self, campaign_id: str) -> None:
        self.state.campaigns.pop(campaign_id, None)

    def all(self, *, state: str | None = None, limit: int | None = None) -> list[Campaign]:
        found = [campaign for campaign, _ in self.state.campaigns.values() if state in (None, campaign.state)]
        return copy.deepcopy(sorted(found, key=lambda each: -each.sequence)[:limit])

    def last_sequence(self) -> int:
        return self.state.sequence

    def write(self, campaign_id: str, rows: Iterable[Row]) -> None:
        for row in rows:
            if row.position in self._rows(campaign_id):
                self._rows(campaign_id)[row.position] = row

    def rows(
        self,
        campaign_id: str,
        *,
        states: Sequence[str] = (),
        reasons: Sequence[str] = (),
        after: int = -1,
        limit: int | None = None,
    ) -> list[Row]:
        found = [row for _, row in sorted(self._rows(campaign_id).items()) if row.position > after]
        found = [row for row in found if not states or row.state in states]
        return [row for row in found if not reasons or row.reason in reasons][:limit]

    def counts(self, campaign_id: str) -> dict[tuple[str, str, str], int]:
        return Counter((row.network, row.state, row.reason) for row in self._rows(campaign_id).values())

    def status_codes(self, campaign_id: str, state: str) -> dict[int, int]:
        return Counter(row.status_code for row in self._rows(campaign_id).values() if row.state == state)

    def concern(self, target: str, state: str) -> bool:
        rows = (row for _, rows in self.state.campaigns.values() for row in rows.values())
        return any((row.target, row.state) == (target, state) for row in rows)

    def others(self, campaign_id: str, state: str) -> list[tuple[str, Row]]:
        this = self.get(campaign_id)
        targets = {row.target for row in self._rows(campaign_id).values()}
        older = [each for each in reversed(self.all()) if this is not None and each.sequence < this.sequence]
        return [(each.id, row) for each in older for row in self.rows(each.id, states=[state]) if row.target in targets]

    def _rows(self, campaign_id: str) -> dict[int, Row]:
        return self.state.campaigns[campaign_id][1] if campaign_id in self.state.campaigns else {}


class EffectsModel(Part):
    def add(self, kind: str, document: dict[str, Any], *, lane: str = "") -> int:
        self.state.number += 1
        self.state.effects[self.state.number] = Effect(self.state.number, kind, copy.deepcopy(document), lane)
        return self.state.number

    def claim(self, limit: int, *, kinds: Collection[str] = ()) -> list[Effect]:
        free = [each for number, each in self.state.effects.items() if number not in self.state.claimed]
        found = [each for each in free if not kinds or each.kind in kinds][:limit]
        self.state.claimed |= {each.id for each in found}
        return copy.deepcopy(found)

    def pending(self, *, after: int = 0, limit: int = 100) -> list[Effect]:
        return copy.deepcopy([each for number, each in self.state.effects.items() if number > after][:limit])

    def in_lanes(self, lanes: Collection[str]) -> list[int]:
        return [number for number, each in self.state.effects.items() if each.lane in lanes]

    def present(self, ids: Collection[int]) -> list[int]:
        return [number for number in ids if number in self.state.effects]

    def remove(self, ids: Iterable[int]) -> None:
        for number in ids:
            self.state.effects.pop(number, None)
            self.state.claimed.discard(number)


class AlarmsModel(Part):
    def set(self, ri: str, name: str, due: float) -> None:
        self.state.alarms[ri, name] = due

    def get(self, ri: str, name: str) -> float | None:
        return self.state.alarms.get((ri, name))

    def cancel(self, ri: str, name: str) -> None:
        self.state.alarms.pop((ri, name), None)

    def hasten(self, name: str, due: float) -> None:
        for key, old in self.state.alarms.items():
            self.state.alarms[key] = min(old, due) if key[1] == name else old

    def due(self, now: float, limit: int) -> list[Alarm]:
        found = [Alarm(*key, due) for key, due in self.state.alarms.items() if due <= now]
        return sorted(found, key=lambda alarm: alarm.due)[:limit]

    def next(self) -> float | None:
        return min(self.state.alarms.values(), default=None)


class QueuesModel(Part):
    def append(self, ri: str, name: str, document: Any) -> None:
        self.state.number += 1
        self.state.queued[self.state.number] = ri, name, copy.deepcopy(document)

    def items(self, ri: str, name: str, limit: int | None = None) -> list[Queued]:
        queue = [Queued(number, each[2]) for number, each in self.state.queued.items() if each[:2] == (ri, name)]
        return copy.deepcopy(queue[:limit])

    def count(self, ri: str, name: str) -> int:
        return len(self.items(ri, name))

    def remove(self, ids: Iterable[int]) -> None:
        for number in ids:
            self.state.queued.pop(number, None)

    def clear(self, ri: str, name: str) -> None:
        self.remove([queued.id for queued in self.items(ri, name)])


class Model:
    """What `cse.store.Transaction` is."""

    def __init__(self) -> None:
        self.state = State()
        self.resources = ResourcesModel(self)
        self.lists = ListsModel(self)
        self.campaigns = CampaignsModel(self)
        self.effects = EffectsModel(self)
        self.alarms = AlarmsModel(self)
        self.queues = QueuesModel(self)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        before = copy.deepcopy(self.state)
        try:
            yield
        except BaseException:
            self.state = before
            raise
