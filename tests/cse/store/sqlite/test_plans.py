"""No statement reads a whole table, so that none costs more because there is more in the store."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from cse.store import Search, Transaction
from cse.store.sqlite import removal
from cse.store.sqlite.schema import connect, prepare
from cse.store.sqlite.transaction import SQLiteTransaction
from tests.cse.store.samples import campaign, inserting, resource, rows

WHOLE = re.compile(r"SCAN (resource|present|label|policy|list_item|alarm|queued|effect|campaign_member)\b")
PARTIAL = "SCAN list_item USING INDEX list_item_elsewhere"  # an index of what is asked for, and nothing else
ATTRIBUTES: dict[str, Any] = {"lbl": ["red"], "acpi": ["policy"], "et": "20260101T000000"}


@pytest.fixture
def transaction() -> Iterator[SQLiteTransaction]:
    with closing(connect(":memory:")) as connection:
        prepare(connection)
        yield SQLiteTransaction(connection)


def tree(transaction: Transaction) -> None:
    resources = transaction.resources
    inserting("cse", "cse/a", "cse/a/b", "cse/c", **ATTRIBUTES)(transaction)
    inserting("cse/key", _key="key")(transaction)
    resources.update(resource("cse/a", **ATTRIBUTES))
    resources.get("cse/a")
    resources.find("cse/a")
    resources.has_child("cse", "key")
    resources.expired("20270101T000000", 10)
    resources.next_expiration()
    resources.remove(resource("cse/c"))


def iterations(transaction: Transaction) -> None:
    resources = transaction.resources
    searches = [Search("cse", types, labels, 2) for types in ([], [3]) for labels in ([], ["red"], ["red", "blue"])]
    for found in (
        *(resources.search(search) for search in searches),
        *(resources.children("cse", ty, newest_first=newest) for ty in (None, 3) for newest in (False, True)),
        resources.governed_by(["policy"]),
    ):
        list(found)


def belongings(transaction: Transaction) -> None:
    lists, alarms, queues = transaction.lists, transaction.alarms, transaction.queues
    lists.replace("group", [("a", "cse/a"), ("b", None)])
    lists.items("group", after=0, limit=5)
    lists.count("group")
    lists.holders("cse/a")
    lists.holders(None)
    lists.drop_targets("cse/a")
    lists.drop_items(["b"])
    alarms.set("cse/a", "alarm", 1.0)
    alarms.get("cse/a", "alarm")
    alarms.due(2.0, 10)
    alarms.next()
    alarms.cancel("cse/a", "alarm")
    queues.append("cse/a", "queue", {})
    queues.items("cse/a", "queue", 5)
    queues.count("cse/a", "queue")
    queues.remove([1])
    queues.clear("cse/a", "queue")


def effects(transaction: Transaction) -> None:
    numbers = [transaction.effects.add("kind", {}, lane="lane") for _ in range(3)]
    transaction.effects.pending(after=1)
    transaction.effects.in_lanes(["lane"])
    transaction.effects.present(numbers)
    transaction.effects.remove(numbers)


def campaigns(transaction: Transaction) -> None:
    table = transaction.campaigns
    table.add(campaign(1), rows(["a", "b"]))
    table.save(campaign(1))
    table.write("campaign-1", rows(["a"]))
    table.rows("campaign-1", states=["WAITING"], reasons=[""], after=0, limit=5)
    table.counts("campaign-1")
    table.status_codes("campaign-1", "WAITING")
    table.concern("a", "WAITING")
    table.others("campaign-1", "WAITING")
    table.last_sequence()
    table.remove("campaign-1")


def large_removal(transaction: SQLiteTransaction) -> None:
    inserting("cse/large", *(f"cse/large/{number}" for number in range(2 * removal.AT_ONCE)))(transaction)
    transaction.resources.remove(resource("cse/large"))
    inserting("cse/large", f"cse/large/{2 * removal.AT_ONCE - 1}")(transaction)
    while transaction.to_purge:
        transaction.purge()


@pytest.mark.parametrize("unit", [tree, iterations, belongings, effects, campaigns, large_removal])
def test_no_statement_reads_a_whole_table(
    transaction: SQLiteTransaction, unit: Callable[[SQLiteTransaction], None]
) -> None:
    statements: set[str] = set()
    transaction.connection.set_trace_callback(statements.add)
    unit(transaction)
    transaction.connection.set_trace_callback(None)
    plans = {statement: plan(transaction.connection, statement) for statement in statements if statement[:2] != "--"}
    assert len(plans) > 3
    assert [statement for statement, steps in plans.items() if any(WHOLE.match(step) for step in steps)] == []


def plan(connection: sqlite3.Connection, statement: str) -> list[str]:
    """What SQLite does for a statement."""
    return [step for _, _, _, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}") if step != PARTIAL]
