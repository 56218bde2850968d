"""TinyDB's table with keyed access."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tinydb import where
from tinydb.table import Document

from cse.store import Search, Store, Transaction
from cse.store.tinydb.database import Database
from cse.store.tinydb.indexes import Sorted, Unique
from cse.store.tinydb.storage import JournalStorage
from cse.store.tinydb.table import KeyedTable
from tests.cse.store.samples import campaign, inserting, rows

FEW, MANY = 200, 2000


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(JournalStorage(tmp_path / "notes.json"))
    made.log.reads_only = False
    return made


@pytest.fixture
def by_text() -> Sorted:
    return Sorted(lambda document: [(document["text"],)])


@pytest.fixture
def table(database: Database, by_text: Sorted) -> KeyedTable:
    made = database.add("notes", by_text, Unique(lambda document: [(document["text"],)]))
    made.insert_multiple([{"text": text} for text in "abc"])
    return made


def test_everything_that_a_table_of_tinydb_can(table: KeyedTable) -> None:
    assert table.insert({"text": "d"}) == 4
    assert table.insert(Document({"text": "z"}, 26)) == 26
    assert table.update({"more": [1]}, doc_ids=[1, 99]) == [1]
    assert table.update(lambda document: document.update(text="y"), where("text") == "z") == [26]
    assert table.remove(where("text") == "b") == [2]
    assert table.remove(doc_ids=[3, 99]) == [3]
    assert table.upsert(Document({"text": "x"}, 4)) == [4]
    assert [(found.doc_id, dict(found)) for found in table] == [
        (1, {"text": "a", "more": [1]}),
        (4, {"text": "x"}),
        (26, {"text": "y"}),
    ]
    assert table.get(doc_id=99) is None
    assert table.contains(doc_id=26)
    assert table.count(where("text") != "a") == len(table) - 1 == 2
    with pytest.raises(ValueError, match="exists"):
        table.insert(Document({"text": "x"}, 4))


def test_numbers_are_not_used_again(table: KeyedTable) -> None:
    table.remove(doc_ids=[3])
    assert table.insert({"text": "c"}) == 4
    table.truncate()
    assert table.insert({"text": "a"}) == 5


def test_a_document_that_one_gets_is_one_s_own(table: KeyedTable) -> None:
    table.update({"list": [1]}, doc_ids=[1])
    for found in (table.get(doc_id=1), table.document(1)):
        found["list"].append(2)  # type: ignore[index, call-overload]
    assert table.document(1) == {"text": "a", "list": [1]}


def test_indexes_follow_and_what_is_undone_is_as_it_was(database: Database, table: KeyedTable, by_text: Sorted) -> None:
    mark, before = database.log.mark(), dict(table.texts)
    table.update({"text": "z"}, doc_ids=[1])
    table.remove(doc_ids=[2])
    table.insert({"text": "b"})
    assert list(by_text.below()) == [("b", 4), ("c", 3), ("z", 1)]
    database.log.undo(mark)
    assert (table.texts, table.last) == (before, 3)
    assert list(by_text.below()) == [("a", 1), ("b", 2), ("c", 3)]
    assert list(table.check(table.texts)) == []
    by_text.clear()
    assert list(table.check({})) == [
        "the documents of the table notes are not those in the file",
        "the indexes of the table notes do not agree with its documents",
    ]


def latest(transaction: Transaction) -> object:
    return next(transaction.resources.children("cse/large", 4, newest_first=True))


def oldest(transaction: Transaction) -> object:
    return next(transaction.resources.children("cse/large", 4))


def labelled(transaction: Transaction) -> object:
    return list(transaction.resources.search(Search("cse", labels=["rare"])))


def typed(transaction: Transaction) -> object:
    return list(transaction.resources.search(Search("cse", types=[3])))


def narrow(transaction: Transaction) -> object:
    return list(transaction.resources.search(Search("cse/small")))


def expired(transaction: Transaction) -> object:
    return transaction.resources.expired("20270101T000000", 10)


def add_and_drop(transaction: Transaction) -> None:
    inserting("cse/large/new", ty=4)(transaction)
    transaction.resources.remove(next(transaction.resources.children("cse/large", 4, newest_first=True)))


def counts(transaction: Transaction) -> object:
    return transaction.campaigns.counts("campaign-1"), transaction.campaigns.rows("campaign-1", after=5, limit=3)


def queue(transaction: Transaction) -> None:
    transaction.queues.append("cse/large", "batch", 1)
    first = transaction.queues.items("cse/large", "batch", 1)
    transaction.queues.remove([first[0].id])
    assert transaction.queues.count("cse/large", "batch")


def effects(transaction: Transaction) -> None:
    (claimed,) = transaction.effects.claim(1)
    transaction.effects.remove([claimed.id])


@pytest.mark.parametrize(
    "unit", [latest, oldest, labelled, typed, narrow, expired, add_and_drop, counts, queue, effects]
)
async def test_effort_does_not_grow_with_what_is_there(store: Store, unit: Callable[[Transaction], object]) -> None:
    await store.run(inserting("cse/small", "cse/small/below", lbl=["rare"]))
    await store.run(lambda transaction: transaction.campaigns.add(campaign(1), []))
    await store.run(lambda transaction: fill(transaction, range(FEW)))
    before = await store.run(lambda transaction: calls(transaction, unit))
    await store.run(lambda transaction: fill(transaction, range(FEW, MANY)))
    assert await store.run(lambda transaction: calls(transaction, unit)) < before * 1.5


def fill(transaction: Transaction, numbers: range) -> None:
    for number in numbers:
        inserting(f"cse/large/{number}", ty=4, et="20270101T000000")(transaction)
        transaction.queues.append("cse/large", "batch", number)
        transaction.effects.add("note", {})
    name = f"campaign-{numbers.start + 2}"
    members = rows([str(number) for number in numbers])
    transaction.campaigns.add(campaign(numbers.start + 2), members)
    assert transaction.campaigns.get(name)


def calls(transaction: Transaction, unit: Callable[[Transaction], object]) -> int:
    """How many functions the unit calls."""
    counted = []
    sys.setprofile(lambda frame, event, argument: counted.append(event) if event.endswith("call") else None)
    try:
        unit(transaction)
    finally:
        sys.setprofile(None)
    return len(counted)
