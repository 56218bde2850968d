"""Units on the event loop: what they see and leave, whatever goes wrong, and that they go there at all."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from cse.errors import Conflict
from cse.store import Resource, Search, Store, Transaction
from cse.store.sqlite import quick
from cse.store.sqlite.quick import writing
from cse.store.sqlite.quick.transaction import QuickTransaction
from cse.store.sqlite.transaction import SQLiteTransaction
from tests.cse.store.engines import store_at
from tests.cse.store.samples import inserting, paths, resource


def is_quick(transaction: Transaction) -> bool:
    return isinstance(transaction, QuickTransaction)


def elsewhere(transaction: Transaction) -> None:
    """Makes a unit run in another thread."""
    assert cast(SQLiteTransaction, transaction).connection


def get(ri: str) -> Callable[[Transaction], Resource | None]:
    return lambda transaction: transaction.resources.get(ri)


def children(transaction: Transaction) -> list[str]:
    return [child.ri for child in transaction.resources.children("cse/box", 4)]


def newest(transaction: Transaction) -> list[str]:
    return [child.ri for child in transaction.resources.children("cse/box", 4, newest_first=True)]


def counting(transaction: Transaction) -> bool:
    """What a CREATE does: a new child, and its parent with other counters."""
    box = transaction.resources.get("cse/box")
    assert box
    number = box.attributes.get("cni", 0) + 1
    transaction.resources.insert(resource(f"cse/box/{number}", 4, et="20300101T000000", lbl=["some"]))
    box.attributes["cni"] = number
    transaction.resources.update(box)
    transaction.effects.add("note", {"number": number}, lane="box")
    return is_quick(transaction)


async def test_a_unit_about_few_resources_needs_no_thread(store: Store) -> None:
    assert await store.run(counting)
    assert await store.run(counting)
    assert await store.read(children) == ["cse/box/1", "cse/box/2"]
    assert await store.read(newest) == ["cse/box/2", "cse/box/1"]
    await store.run(lambda transaction: transaction.effects.claim(10))  # what has been there at the start
    assert await store.run(lambda transaction: is_quick(transaction) and not transaction.effects.claim(10))


async def test_units_of_both_kinds_see_each_other(store: Store) -> None:
    def both(transaction: Transaction) -> None:
        elsewhere(transaction)
        assert not is_quick(transaction)
        counting(transaction)

    units = [counting, both, counting, counting, both, both, counting]
    await asyncio.gather(*map(store.run, units))
    assert await store.read(children) == [f"cse/box/{number}" for number in range(1, 8)]
    box = await store.read(get("cse/box"))
    assert box
    assert box.attributes["cni"] == 7
    assert [found.id for found in await store.run(lambda transaction: transaction.effects.claim(10))] == list(
        range(1, 8)
    )


async def test_a_reader_is_not_told_of_what_is_not_durable(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has seen something of a batch that fails sees what comes of its repetition."""
    write = writing.write
    failures = iter([True])

    def fail_once(batch: Any, connection: Any) -> None:
        if next(failures, False):
            raise OSError("no space")
        write(batch, connection)

    monkeypatch.setattr("cse.store.sqlite.quick.way.write", fail_once)
    ways: list[bool] = []

    def unit(transaction: Transaction) -> None:
        ways.append(counting(transaction))

    running = [asyncio.ensure_future(store.run(unit)) for _ in range(3)]
    await asyncio.sleep(0)
    seen = await store.read(lambda transaction: (is_quick(transaction), children(transaction)))
    await asyncio.gather(*running)
    assert ways == [True] * 3 + [False] * 3  # each once more, in the same order
    assert seen == (False, ["cse/box/1", "cse/box/2", "cse/box/3"])
    assert await store.run(counting)
    assert await store.read(children) == [f"cse/box/{number}" for number in range(1, 5)]


async def test_what_turns_out_to_be_there_is_a_conflict_of_its_unit_alone(store: Store) -> None:
    """The file knows of a name that the event loop has not looked for."""
    outcomes = await asyncio.gather(
        store.run(counting),
        store.run(lambda transaction: transaction.resources.insert(resource("cse/box", ri="other"))),
        store.run(counting),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], Conflict)
    assert await store.read(children) == ["cse/box/1", "cse/box/2"]


async def test_what_another_thread_has_removed_is_gone(store: Store) -> None:
    await store.run(counting)

    def remove(transaction: Transaction) -> None:
        elsewhere(transaction)
        box = transaction.resources.get("cse/box")
        assert box
        transaction.resources.remove(box)

    assert await store.read(get("cse/box/1"))
    await store.run(remove)
    assert await store.read(get("cse/box/1")) is None
    assert await store.read(children) == []
    await store.run(inserting("cse/box"))
    await store.run(counting)
    assert await store.read(newest) == ["cse/box/1"]


async def test_what_a_unit_does_after_a_part_that_failed_counts(store: Store) -> None:
    def unit(transaction: Transaction) -> bool:
        with suppress(ZeroDivisionError), transaction.savepoint():
            counting(transaction)
            raise ZeroDivisionError
        return counting(transaction)

    assert await store.run(unit)
    assert await store.read(children) == ["cse/box/1"]


async def test_a_unit_that_fails_after_what_it_did_waits_for_nobody(store: Store) -> None:
    def fail(transaction: Transaction) -> None:
        counting(transaction)
        assert children(transaction)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.run(fail)
    assert await store.read(children) == []


async def test_resources_come_and_go_within_a_batch(store: Store) -> None:
    def remove(ri: str) -> Callable[[Transaction], None]:
        return lambda transaction: transaction.resources.remove(resource(ri, 4))

    await store.run(counting)
    await asyncio.gather(
        store.run(remove("cse/box/1")),
        store.run(inserting("cse/box/1", ty=4, again=True)),
        store.run(inserting("cse/box/x", ty=4)),
        store.run(remove("cse/box/x")),
        store.run(inserting("cse/box/y", ty=4)),
    )
    assert await store.read(children) == ["cse/box/1", "cse/box/y"]
    again = await store.read(get("cse/box/1"))
    assert again
    assert again.attributes["again"]
    assert await store.read(lambda transaction: [each.path for each in transaction.resources.search(Search("cse/box"))])


async def test_labels_and_ends_follow_changes(store: Store) -> None:
    def change(**attributes: Any) -> Callable[[Transaction], None]:
        def unit(transaction: Transaction) -> None:
            found = transaction.resources.get("cse/box")
            assert found
            found.attributes.update(attributes)
            transaction.resources.update(found)

        return unit

    await asyncio.gather(*(store.run(change(**each)) for each in ({"lbl": ["a"]}, {"et": "20270101T000000"}, {"x": 1})))
    await store.run(change(lbl=["b"]))

    def found(label: str) -> Callable[[Transaction], list[str]]:
        return lambda transaction: [each.ri for each in transaction.resources.search(Search("cse", labels=[label]))]

    assert [await store.read(found(label)) for label in "ab"] == [[], ["cse/box"]]
    assert await store.read(lambda transaction: transaction.resources.next_expiration()) == "20270101T000000"


async def test_a_unit_that_wants_too_much_goes_elsewhere(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cse.store.sqlite.quick.resources.MOST_STEPS", 20)
    for _ in range(30):
        await store.run(counting)
    found, was_quick = await store.read(lambda transaction: (children(transaction), is_quick(transaction)))
    assert len(found) == 30
    assert not was_quick


async def test_a_shared_resource_keeps_what_was_worked_out_until_it_changes(store: Store) -> None:
    def look(transaction: Transaction) -> Resource:
        found = transaction.resources.look("cse/box")
        assert found
        return found

    first = await store.read(look)
    first.memo["worked out"] = 1
    assert (await store.read(look)).memo
    assert (await store.run(look)).memo
    own = await store.run(get("cse/box"))
    assert own
    assert not own.memo
    await store.run(counting)
    assert not (await store.read(look)).memo


async def test_those_who_wait_for_nothing_let_others_have_their_turn(store: Store) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    for _ in range(100):
        await store.read(get("cse/box"))
    task.cancel()
    assert turns > 5


def test_the_way_is_refused_by_what_units_do_not_catch() -> None:
    assert not issubclass(quick.OrdinaryWay, Exception)


async def test_everything_is_in_the_file_after_the_end(store: Store, tmp_path: Path) -> None:
    running = [asyncio.ensure_future(store.run(counting)) for _ in range(50)]
    await asyncio.sleep(0)
    await store.close()
    assert all(await asyncio.gather(*running))
    again = store_at(f"sqlite:///{tmp_path}/cse.sqlite", tmp_path)
    await again.open()
    assert len(await again.read(paths)) == 51
    await again.close()


async def test_those_who_wait_for_another_thread_go_on_in_order(store: Store) -> None:
    order: list[int] = []

    def unit(number: int) -> Callable[[Transaction], None]:
        def inside(transaction: Transaction) -> None:
            if number % 40 == 0:
                elsewhere(transaction)
            order.append(number)

        return inside

    await asyncio.gather(*(store.run(unit(number)) for number in range(200)))
    assert order == list(range(200))


async def test_what_json_can_not_carry_is_stored_elsewhere(store: Store) -> None:
    def add(transaction: Transaction) -> bool:
        transaction.effects.add("note", {"text": "a\x00b"}, lane="a\x00b")
        return is_quick(transaction)

    assert not await store.run(add)
    assert await store.read(lambda transaction: transaction.effects.in_lanes(["a\x00b"])) == [1]
