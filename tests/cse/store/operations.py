"""What a unit may do, as functions of an engine's transaction or of the model; what they return must be the same.

Numbers that a store counts are no part of results, because they may have gaps: operations choose by place instead.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from cse.errors import CSEError
from cse.store import Campaign, Resource, Row, Search
from tests.cse.store.samples import resource

Operation = Callable[[Any], Any]
ALL = 10**6

# Texts that engines may take for something else: patterns, ends of texts and of ranges, quotes, escapes, nothing.
NASTY = ["", "\x00", "a\x00b", "%", "_", "/", "0", "a%", "a_", "'", '"', "\\", "\\u0000", "\x1f", "\x7f", "\ue000"]
NASTY += [
    "\ufeff",
    "\uffff",
    "é",
    "e\u0301",
    "İ",
    "ß",
    "😀",
    "\U0010ffff",
    "NULL",
    "null",
    "[]",
    "{}",
    " ",
    "\n",
    "A",
    "a",
]
texts = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
documents = st.dictionaries(texts, values, max_size=3)

names = st.sampled_from(["a", "ab", "a-", "a0", "é", "~", "%", "A"])
paths = st.lists(names, min_size=1, max_size=3).map(lambda parts: "/".join(["cse", *parts]))
roots = paths | st.just("cse")
labels = st.sampled_from(["red", "green", *NASTY[1:8]])
policies = st.sampled_from(["p", "cse/p", *NASTY[1:8]])
moments = st.sampled_from(["20260101T000000", "20260101T000000,5", "20260201T000000", "20260301T000000"])
places = st.integers(0, 5)
limits = st.integers(1, 4)
seconds = st.sampled_from([0.0, 1.5, 2.0, 1e9, 1e9 + 0.000001])
attributes = st.fixed_dictionaries(
    {"custom": values},
    optional={
        "lbl": st.lists(labels, max_size=3),
        "acpi": st.lists(policies, max_size=3),
        "et": moments,
    },
)
campaign_ids = st.sampled_from(["one", "two", "three"])
states = st.sampled_from(["waiting", "answered", "failed"])
reasons = st.sampled_from(["", "SILENT"])
lanes = st.sampled_from(["", "x", "y", *NASTY[1:4]])
kinds = st.sampled_from(["note", "group"])
owners = roots | texts
queues = st.sampled_from(["batch", "other", "%"])
items = st.lists(st.tuples(texts, st.none() | roots), max_size=5)


def errors_as_types(operation: Operation) -> Operation:
    """An operation whose error is its result."""

    def attempt(tables: Any) -> Any:
        try:
            return operation(tables)
        except CSEError as error:
            return type(error)

    return attempt


@st.composite
def inserts(draw: st.DrawFn) -> Operation:
    path, ty, given = draw(paths), draw(st.sampled_from([2, 3, 4])), draw(attributes)
    if draw(st.booleans()):
        given["_key"] = draw(texts.filter(bool))

    def insert(tables: Any) -> Any:
        if tables.resources.find(path.rpartition("/")[0]) is None:
            return "no parent"
        return tables.resources.insert(resource(path, ty, **given))

    return errors_as_types(insert)


@st.composite
def updates(draw: st.DrawFn) -> Operation:
    path, given = draw(paths), draw(attributes)

    def update(tables: Any) -> Any:
        old = tables.resources.get(path) or resource(path)
        kept = {name: old.attributes[name] for name in ("ri", "pi", "rn", "ty", "_key") if name in old.attributes}
        return tables.resources.update(Resource(path, old.creator, kept | given))

    return errors_as_types(update)


def looks(path: str, text: str, ty: int | None, newest_first: bool) -> Operation:
    def look(tables: Any) -> Any:
        tree = tables.resources
        children = list(tree.children(path, ty, newest_first=newest_first))
        found = [tree.get(path), tree.get(text), tree.find(path), tree.find(text), tree.has_child(path, text)]
        return children, found, tree.next_expiration()

    return look


def searches(path: str, types: list[int], lbl: list[str], levels: int | None, acpi: list[str]) -> Operation:
    def search(tables: Any) -> Any:
        governed = tables.resources.governed_by(acpi)
        return list(tables.resources.search(Search(path, types, lbl, levels))), sorted(each.ri for each in governed)

    return search


def expirations(now: str, limit: int) -> Operation:
    def expire(tables: Any) -> Any:
        some, every = tables.resources.expired(now, limit), tables.resources.expired(now, ALL)
        return [each.attributes["et"] for each in some], sorted(each.ri for each in every)

    return expire


def removals(path: str) -> Operation:
    """As `cse.tree.delete` does it."""
    return lambda tables: (sorted(tables.lists.drop_targets(path)), tables.resources.remove(resource(path)))[0]


def list_replacements(ri: str, given: list[tuple[str, str | None]]) -> Operation:
    return lambda tables: tables.lists.replace(ri, given)


def list_reads(ri: str, after: int, limit: int | None, target: str | None, dropped: list[str]) -> Operation:
    def read(tables: Any) -> Any:
        lists = tables.lists
        page = lists.items(ri, after=after, limit=limit)
        return page, lists.count(ri), sorted(lists.holders(target)), sorted(lists.drop_items(dropped))

    return read


row_fields = st.builds(
    Row,
    position=places,
    member=texts,
    target=owners,
    host=texts,
    state=states,
    reason=reasons,
    status_code=st.sampled_from([0, 2000, 4004]),
    content=st.binary(max_size=4),
    network=texts,
    attempts=places,
    answered_at=seconds,
)
rows = st.lists(row_fields, max_size=5).map(lambda drawn: [row._replace(position=at) for at, row in enumerate(drawn)])


@st.composite
def campaign_writes(draw: st.DrawFn) -> Operation:
    identifier, given, changed, answers = draw(campaign_ids), draw(rows), draw(documents), draw(rows)
    state, gap = draw(states), draw(st.integers(1, 2**40))

    def write(tables: Any) -> Any:
        campaigns = tables.campaigns
        campaign = campaigns.get(identifier)
        if campaign is None:
            sequence = campaigns.last_sequence() + gap
            campaign = Campaign(identifier, sequence, "group", b"\x00{}", "", 1.0, 2.5, state, None, changed)
            return campaigns.add(campaign, given)
        campaigns.save(dataclasses.replace(campaign, document=changed, state=state, finished_at=1e9 + 0.25))
        return campaigns.write(identifier, answers)

    return write


def campaign_removals(identifier: str) -> Operation:
    return lambda tables: tables.campaigns.remove(identifier)


def campaign_reads(
    identifier: str, some: list[str], why: list[str], after: int, limit: int | None, target: str
) -> Operation:
    def read(tables: Any) -> Any:
        one = tables.campaigns
        page = one.rows(identifier, states=some, reasons=why, after=after, limit=limit)
        newest = [each.id for each in one.all(state="waiting", limit=limit)]
        counts = one.counts(identifier), one.status_codes(identifier, "answered"), one.last_sequence()
        return page, newest, counts, one.concern(target, "waiting"), one.others(identifier, "waiting")

    return read


def effect_additions(kind: str, document: dict[str, Any], lane: str) -> Operation:
    def add(tables: Any) -> bool:
        numbers = tables.effects.in_lanes([lane])
        return tables.effects.add(kind, document, lane=lane) > max(numbers, default=0)

    return add


def effect_claims(limit: int, wanted: list[str]) -> Operation:
    return lambda tables: [each[1:] for each in tables.effects.claim(limit, kinds=wanted)]


def effect_removals(chosen: list[int], lane: str) -> Operation:
    def remove(tables: Any) -> Any:
        pending = [each.id for each in tables.effects.pending(limit=ALL)]
        numbers = [pending[place] for place in set(chosen) if place < len(pending)]
        tables.effects.remove(numbers)
        in_lane = [pending.index(number) for number in tables.effects.in_lanes([lane])]
        return in_lane, [pending.index(number) for number in sorted(tables.effects.present(pending))]

    return remove


def alarm_settings(ri: str, name: str, due: float) -> Operation:
    return lambda tables: tables.alarms.set(ri, name, due)


def alarm_reads(ri: str, name: str, now: float, limit: int) -> Operation:
    def read(tables: Any) -> Any:
        alarms = tables.alarms
        found = alarms.get(ri, name), alarms.next(), [each.due for each in alarms.due(now, limit)]
        return found, sorted(alarms.due(now, ALL))

    return read


def alarm_changes(ri: str, name: str, now: float) -> Operation:
    return lambda tables: (tables.alarms.hasten(name, now), tables.alarms.cancel(ri, "batch"))


def queue_additions(ri: str, name: str, document: Any) -> Operation:
    return lambda tables: tables.queues.append(ri, name, document)


def queue_takings(ri: str, name: str, limit: int, clears: bool) -> Operation:
    def take(tables: Any) -> Any:
        front = tables.queues.items(ri, name, limit)
        tables.queues.remove([each.id for each in front[1:]])
        left = tables.queues.count(ri, name), [each.document for each in tables.queues.items(ri, name)]
        if clears:
            tables.queues.clear(ri, name)
        return [each.document for each in front], left, tables.queues.count(ri, name)

    return take


optional_limits = st.none() | limits
after = st.integers(-1, 4)
operations = st.one_of(
    inserts(),
    inserts(),
    updates(),
    st.builds(removals, paths),
    st.builds(looks, roots, texts, st.none() | st.sampled_from([2, 3]), st.booleans()),
    st.builds(
        searches,
        roots,
        st.lists(st.sampled_from([2, 3, 4]), max_size=2),
        st.lists(labels, max_size=2),
        st.none() | st.integers(0, 3),
        st.lists(policies, max_size=2),
    ),
    st.builds(expirations, moments, limits),
    st.builds(list_replacements, roots, items),
    st.builds(list_reads, roots, after, optional_limits, st.none() | roots, st.lists(texts, max_size=2)),
    campaign_writes(),
    st.builds(campaign_removals, campaign_ids),
    st.builds(
        campaign_reads, campaign_ids, st.lists(states, max_size=2), st.lists(reasons), after, optional_limits, owners
    ),
    st.builds(effect_additions, kinds, documents, lanes),
    st.builds(effect_claims, limits, st.lists(kinds, max_size=1)),
    st.builds(effect_removals, st.lists(places, max_size=3), lanes),
    st.builds(alarm_settings, roots, queues, seconds),
    st.builds(alarm_reads, roots, queues, seconds, limits),
    st.builds(alarm_changes, roots, queues, seconds),
    st.builds(queue_additions, roots, queues, values),
    st.builds(queue_takings, roots, queues, limits, st.booleans()),
)


def everything(tables: Any) -> Any:
    """All that is in the tables, but numbers."""
    waiting = [(ri, name) for ri in sorted(_owners(tables)) for name in ("batch", "other", "%")]
    return (
        list(tables.resources.search(Search("cse"))),
        [tables.lists.items(ri) for ri in sorted(_owners(tables))],
        sorted(tables.alarms.due(1e12, ALL)),
        [[each.document for each in tables.queues.items(*queue)] for queue in waiting],
        [(campaign, tables.campaigns.rows(campaign.id)) for campaign in tables.campaigns.all()],
        [each[1:] for each in tables.effects.pending(limit=ALL)],
    )


def _owners(tables: Any) -> set[str]:
    return {"cse", *(each.ri for each in tables.resources.search(Search("cse")))}
