"""What is removed is out of sight at once, and out of the file little by little."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from cse.errors import Conflict, NotFound
from cse.store import Store, Transaction
from cse.store.sqlite import removal, resources
from cse.store.sqlite.schema import connect, prepare
from cse.store.sqlite.transaction import SQLiteTransaction
from tests.cse.store.engines import store_at
from tests.cse.store.samples import inserting, paths, resource
from tests.cse.store.test_machine import History
from tests.servers import eventually

MANY = removal.AT_ONCE + removal.PURGED_AT_ONCE + 10
TABLES = ("gone", "resource")
LARGE = ["cse/large", *(f"cse/large/{number:03}" for number in range(MANY))]


@pytest.fixture
def transaction() -> Iterator[SQLiteTransaction]:
    """A transaction in which nobody purges."""
    with closing(connect(":memory:")) as connection:
        prepare(connection)
        found = SQLiteTransaction(connection)
        inserting("cse", "cse/large-not", *LARGE, lbl=["old"], acpi=["policy"], et="20260101T000000")(found)
        yield found


def remove(transaction: Transaction, path: str = "cse/large") -> None:
    transaction.resources.remove(resource(path))


def rows(transaction: SQLiteTransaction, table: str = "resource") -> int:
    return int(transaction.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_what_is_large_is_out_of_sight_at_once(transaction: SQLiteTransaction) -> None:
    remove(transaction)
    assert rows(transaction) == 2 + MANY - removal.AT_ONCE
    assert paths(transaction) == ["cse/large-not"]
    tree = transaction.resources
    left = LARGE[-1]
    assert tree.get(left) is None
    assert tree.find(left) is None
    assert list(tree.children("cse/large")) == list(tree.children("cse/large", 3)) == []
    assert [found.path for found in tree.governed_by(["policy"])] == ["cse", "cse/large-not"]
    assert [found.path for found in tree.expired("20270101", 5)] == ["cse", "cse/large-not"]
    assert [path for path, *_ in tree.export()] == ["cse", "cse/large-not"]
    with pytest.raises(NotFound):
        tree.update(resource(left))


def test_what_belongs_to_it_is_not_exported(transaction: SQLiteTransaction) -> None:
    for ri in (LARGE[-1], "cse"):
        transaction.alarms.set(ri, "alarm", 1.0)
        transaction.queues.append(ri, "queue", {})
        transaction.lists.replace(ri, [("item", None)])
    remove(transaction)
    assert list(transaction.alarms.export()) == [("cse", "alarm", 1.0)]
    assert list(transaction.queues.export()) == [("last", 2), ("queued", 2, "cse", "queue", {})]
    assert list(transaction.lists.export()) == [("cse", 0, "item", None)]


def test_a_purge_takes_a_few_rows_with_what_belongs_to_them(transaction: SQLiteTransaction) -> None:
    remove(transaction)
    left = 1 + MANY - removal.AT_ONCE
    transaction.purge()
    left -= removal.PURGED_AT_ONCE
    assert (rows(transaction), rows(transaction, "label"), rows(transaction, "gone")) == (1 + left, 1 + left, 1)
    while transaction.to_purge:
        transaction.purge()
    assert (rows(transaction), rows(transaction, "label"), rows(transaction, "gone")) == (2, 2, 0)


def test_others_may_take_its_place_meanwhile(transaction: SQLiteTransaction) -> None:
    again = ["cse/large", LARGE[-1], "cse/large/new"]
    remove(transaction)
    inserting(*again, lbl=["new"])(transaction)
    assert paths(transaction) == ["cse/large-not", *again]
    with pytest.raises(Conflict):
        inserting(LARGE[-1])(transaction)
    while transaction.to_purge:
        transaction.purge()
    assert paths(transaction) == ["cse/large-not", *again]
    assert rows(transaction) == 2 + len(again)


def test_who_conflicts_with_what_is_there_and_with_what_is_gone_is_refused(transaction: SQLiteTransaction) -> None:
    remove(transaction)
    clash = resource("cse/large-not")
    clash.attributes["ri"] = LARGE[-1]
    with pytest.raises(Conflict):
        transaction.resources.insert(clash)


def test_new_rows_are_told_from_the_last_that_was_removed(transaction: SQLiteTransaction) -> None:
    """Although SQLite would give them its number again."""
    remove(transaction)
    transaction.connection.execute("DELETE FROM resource WHERE path = ?", (LARGE[-1],))
    inserting("cse/large", "cse/large/new")(transaction)
    assert paths(transaction) == ["cse/large-not", "cse/large", "cse/large/new"]


def test_few_that_are_gone_are_passed_over_at_a_time(
    transaction: SQLiteTransaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the search for what has expired: it must not take longer because of them, and they are soon purged."""
    monkeypatch.setattr(resources, "MOST_PASSED_OVER", 5)
    remove(transaction, "cse/large-not")
    inserting("cse/late", et="20260102T000000")(transaction)
    remove(transaction)
    assert [found.path for found in transaction.resources.expired("20270101", 5)] == ["cse"]
    while transaction.to_purge:
        transaction.purge()
    assert [found.path for found in transaction.resources.expired("20270101", 5)] == ["cse", "cse/late"]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = store_at(f"sqlite:///{tmp_path}/cse.sqlite", tmp_path)
    await opened.open()
    yield opened
    await opened.close()


async def purged(store: Store) -> int:
    """How many rows there are when everything has been purged."""

    async def left() -> tuple[int, int]:
        counts = await store.read(
            lambda transaction: [rows(cast(SQLiteTransaction, transaction), table) for table in TABLES]
        )
        return counts[0], counts[1]

    _, count = await eventually(left, lambda found: found[0] == 0)
    return count


async def test_the_store_purges_by_itself(store: Store) -> None:
    await store.run(inserting("cse", *LARGE))
    await store.run(remove)
    assert await store.read(paths) == []
    assert await purged(store) == 1


async def test_after_a_stop_the_next_start_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "stopped.sqlite"
    with closing(connect(str(file))) as connection:
        prepare(connection)
        inserting("cse", *LARGE)(SQLiteTransaction(connection))
        remove(SQLiteTransaction(connection))
    store = store_at(f"sqlite:///{file}", tmp_path)
    await store.open()
    assert await store.read(paths) == []
    assert await purged(store) == 1
    await store.close()


async def test_a_purge_that_fails_is_reported_and_made_later(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(transaction: SQLiteTransaction) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    await store.run(inserting("cse", *LARGE, *(path.replace("large", "other") for path in LARGE)))
    with monkeypatch.context() as patch:
        patch.setattr(SQLiteTransaction, "purge", fail)
        await store.run(remove)
        assert await store.read(paths) == [path.replace("large", "other") for path in LARGE]
        await eventually(lambda: store.read(lambda _: caplog.messages), bool)
    await store.run(lambda transaction: remove(transaction, "cse/other"))
    assert await purged(store) == 1


@pytest.mark.parametrize(("engine", "examples"), [("memory", 30), ("sqlite", 5)])
def test_histories_in_which_everything_is_large(engine: str, examples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "AT_ONCE", 1)
    monkeypatch.setattr(removal, "PURGED_AT_ONCE", 1)
    machine = type("LargeHistory", (History,), {"engine": engine})
    phases = [Phase.explicit, Phase.generate]
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=12, phases=phases))
