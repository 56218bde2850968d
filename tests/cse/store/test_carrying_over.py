"""Tables are carried over from one store into another, over every engine."""

import asyncio
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cse.store import Store, Transaction
from tests.cse.store.engines import ENGINES, SLOW, store_at
from tests.cse.store.operations import Operation, everything, operations
from tests.cse.store.samples import campaign, inserting, resource, rows

Exports = dict[str, list[tuple[Any, ...]]]


def exports(transaction: Transaction) -> Exports:
    return {name: list(table.export()) for name, table in transaction.tables.items()}


async def restore(store: Store, carried: Exports, portion: int = 3) -> None:
    """In portions, each a unit of its own."""
    for name, exported in carried.items():
        remaining = iter(exported)
        while taken := list(islice(remaining, portion)):
            await store.run(lambda transaction, name=name, taken=taken: transaction.tables[name].restore(taken))


async def carried_over(source: Store, target: Store) -> None:
    carried = await source.read(exports)
    await restore(target, carried)
    assert await target.read(exports) == carried
    assert await target.read(everything) == await source.read(everything)


def fill(transaction: Transaction, done: list[Operation]) -> None:
    transaction.resources.insert(resource("cse", 5))
    for operation in done:
        operation(transaction)


async def there_and_back(engine: str, folder: Path, done: list[Operation]) -> None:
    stores = [store_at(ENGINES[which](folder / name), folder / name) for which, name in _places(engine)]
    for each in stores:
        await each.open()
    first, between, last = stores
    await first.run(lambda transaction: fill(transaction, done))
    await carried_over(first, between)
    await carried_over(between, last)
    for each in stores:
        await each.close()


def _places(engine: str) -> Iterator[tuple[str, str]]:
    yield from ((engine, "first"), ("memory", "between"), (engine, "last"))


@pytest.mark.parametrize("engine", ENGINES)
def test_whatever_is_in_a_store_comes_back_as_it_was(engine: str) -> None:
    @settings(max_examples=3 if engine == SLOW else 15, phases=[Phase.generate])
    @given(done=st.lists(operations, min_size=10, max_size=60))
    def example(done: list[Operation]) -> None:
        with TemporaryDirectory() as folder:
            asyncio.run(there_and_back(engine, Path(folder), done))

    example()


def populate(transaction: Transaction) -> None:
    inserting("cse/z", "cse/a", "cse/a/2", "cse/a/1", "cse/é", lbl=["tag"], acpi=["p"], et="20260101T000000")(
        transaction
    )
    transaction.lists.replace("cse/z", [("m", "cse/a"), ("n", None)])
    transaction.lists.replace("cse/a", [(str(number), None) for number in range(12)])
    for name in ("b", "a"):
        transaction.alarms.set("cse/z", name, 12.5)
        transaction.queues.append("cse/z", name, {"waits": [name]})
    transaction.queues.append("cse/gone", "b", None)
    transaction.effects.add("note", {"deep": [1.5, None, "é"]}, lane="x")
    transaction.effects.add("note", {})
    transaction.campaigns.add(campaign(5), rows(["a", "b", "c", "d"], content=b"\x00\xff"))
    transaction.campaigns.add(campaign(2, "finished", finished_at=3.25), rows([]))
    transaction.campaigns.add(campaign(9), rows(["a"]))


def thin_out(transaction: Transaction) -> None:
    """The last of all that is counted go."""
    transaction.campaigns.remove("campaign-9")
    transaction.queues.clear("cse/gone", "b")
    transaction.effects.remove([each.id for each in transaction.effects.pending(after=1)])


async def test_rows_are_what_the_contract_says(store: Store) -> None:
    await store.run(populate)
    found = await store.read(exports)
    assert list(found) == ["resources", "lists", "alarms", "queues", "campaigns", "effects"]
    assert [row[0] for row in found["resources"]] == ["cse/z", "cse/a", "cse/a/2", "cse/a/1", "cse/é"]
    path, creator, attributes = found["resources"][0]
    assert (creator, attributes) == (
        "Ctester",
        resource(path, lbl=["tag"], acpi=["p"], et="20260101T000000").attributes,
    )
    assert found["lists"][:2] == [("cse/a", 0, "0", None), ("cse/a", 1, "1", None)]
    assert found["lists"][12:] == [("cse/z", 0, "m", "cse/a"), ("cse/z", 1, "n", None)]
    assert found["alarms"] == [("cse/z", "a", 12.5), ("cse/z", "b", 12.5)]
    (last, number), *queued = found["queues"]
    assert (last, queued[0][2:]) == ("last", ("cse/z", "b", {"waits": ["b"]}))
    assert number >= max(each[1] for each in queued)
    assert [row[:2] for row in found["campaigns"] if row[0] != "row"] == [
        ("last", 9),
        ("campaign", "campaign-2"),
        ("campaign", "campaign-5"),
        ("campaign", "campaign-9"),
    ]
    assert found["campaigns"][3:7] == [("row", "campaign-5", *each) for each in rows("abcd", content=b"\x00\xff")]
    assert [row[0] for row in found["effects"]] == ["last", "effect", "effect"]
    assert found["effects"][1][2:] == ("note", {"deep": [1.5, None, "é"]}, "x")


async def test_an_empty_store_has_nothing_but_last_numbers(store: Store) -> None:
    nothing: list[Any] = []
    assert await store.read(exports) == {
        "resources": nothing,
        "lists": nothing,
        "alarms": nothing,
        "queues": [("last", 0)],
        "campaigns": [("last", 0)],
        "effects": [("last", 0)],
    }


@pytest.mark.parametrize("portion", [1, 1000])
async def test_everything_is_found_in_the_other_store(store: Store, portion: int) -> None:
    other = store_at("memory:", Path())
    await other.open()
    await other.run(populate)
    carried = await other.read(exports)
    await restore(store, carried, portion)
    assert await store.read(exports) == carried
    assert await store.read(everything) == await other.read(everything)
    governed = await store.read(lambda transaction: [one.path for one in transaction.resources.governed_by(["p"])])
    assert sorted(governed) == ["cse/a", "cse/a/1", "cse/a/2", "cse/z", "cse/é"]
    expired = await store.read(lambda transaction: transaction.resources.expired("20270101T000000,000000", 9))
    assert len(expired) == 5
    assert await store.read(lambda transaction: transaction.lists.holders("cse/a")) == ["cse/z"]
    assert await store.read(lambda transaction: transaction.effects.in_lanes(["x"])) == [1]
    await other.close()


async def test_no_number_is_used_again_in_the_other_store(store: Store) -> None:
    other = store_at("memory:", Path())
    await other.open()
    await other.run(populate)
    before = await other.read(exports)
    await other.run(thin_out)
    await restore(store, await other.read(exports))
    await other.close()

    def goes_on(transaction: Transaction) -> tuple[int, int, int]:
        transaction.queues.append("cse/z", "new", 1)
        queued = transaction.queues.items("cse/z", "new")[0]
        return transaction.campaigns.last_sequence(), queued.id, transaction.effects.add("note", {})

    sequence, queued, effect = await store.run(goes_on)
    assert sequence == 9
    assert queued > before["queues"][0][1]
    assert effect > before["effects"][0][1]


async def test_an_export_may_be_left_and_the_tables_be_read_meanwhile(store: Store) -> None:
    await store.run(populate)

    def some(transaction: Transaction) -> list[Any]:
        looked_up = []
        for path, _, attributes in transaction.tables["resources"].export():
            looked_up.append(transaction.resources.get(attributes["ri"]) == transaction.resources.find(path))
            if len(looked_up) == 3:
                break
        return [*looked_up, transaction.lists.count("cse/a")]

    assert await store.read(some) == [True, True, True, 12]
    await store.run(inserting("cse/more"))
    assert len((await store.read(exports))["resources"]) == 6


async def test_a_portion_that_fails_leaves_nothing(store: Store) -> None:
    await store.run(inserting("cse/a"))
    rows_of_one = [("cse/b", "Cme", resource("cse/b").attributes), ("cse/a", "Cme", resource("cse/a").attributes)]
    with pytest.raises(Exception, match="already"):
        await store.run(lambda transaction: transaction.resources.restore(rows_of_one))
    assert await store.read(lambda transaction: transaction.resources.find("cse/b")) is None
