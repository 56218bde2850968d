"""What every engine promises about units of work."""

import asyncio
import itertools

import pytest

from cse.errors import BadRequest
from cse.store import Resource, Store, Transaction, Unit
from tests.cse.store.samples import inserting, paths, resource


async def test_a_unit_returns_its_result(store: Store) -> None:
    assert await store.run(lambda transaction: 42) == 42
    assert await store.read(lambda transaction: "read") == "read"


async def test_a_read_sees_what_was_acknowledged(store: Store) -> None:
    written = [f"cse/{number:02}" for number in range(20)]
    for count, path in enumerate(written, start=1):
        await store.run(inserting(path))
        assert await store.read(paths) == written[:count]


async def test_a_unit_that_raises_leaves_nothing_behind(store: Store) -> None:
    def fail(transaction: Transaction) -> None:
        inserting("cse/lost", lbl=["lost"])(transaction)
        transaction.lists.replace("cse/lost", [("item", None)])
        transaction.effects.add("notify", {})
        raise BadRequest("no")

    with pytest.raises(BadRequest, match="no"):
        await store.run(fail)
    assert await store.read(paths) == []
    assert await store.read(lambda transaction: transaction.lists.count("cse/lost")) == 0
    assert await store.read(lambda transaction: transaction.effects.pending()) == []


async def test_units_at_the_same_time_lose_only_the_one_that_raises(store: Store) -> None:
    def fail(transaction: Transaction) -> None:
        inserting("cse/lost")(transaction)
        raise ZeroDivisionError

    units = [inserting(f"cse/{number:03}") for number in range(200)]
    units.insert(100, fail)
    outcomes = await asyncio.gather(*(store.run(unit) for unit in units), return_exceptions=True)
    assert isinstance(outcomes.pop(100), ZeroDivisionError)
    assert outcomes == [None] * 200
    assert await store.read(paths) == [f"cse/{number:03}" for number in range(200)]


async def test_units_see_each_other_whole_and_in_order(store: Store) -> None:
    def count(transaction: Transaction) -> int:
        counter = transaction.resources.get("cse/counter")
        assert counter
        counter.attributes["value"] += 1
        transaction.resources.update(counter)
        return int(counter.attributes["value"])

    await store.run(inserting("cse/counter", value=0))
    assert await asyncio.gather(*(store.run(count) for _ in range(100))) == list(range(1, 101))


async def test_an_error_that_ends_iterations_ends_no_more_than_its_unit(store: Store) -> None:
    def stop(transaction: Transaction) -> Resource:
        return next(transaction.resources.children("cse/none"))

    with pytest.raises(RuntimeError) as caught:
        await store.run(stop)
    assert isinstance(caught.value.__cause__, StopIteration)
    assert await store.run(lambda transaction: 1) == 1


def removing(resource: Resource) -> Unit[None]:
    return lambda transaction: transaction.resources.remove(resource)


def undone(transaction: Transaction, unit: Unit[None]) -> None:
    with transaction.savepoint():
        unit(transaction)
        raise KeyError


async def test_a_savepoint_is_undone_on_its_own(store: Store) -> None:
    def unit(transaction: Transaction) -> None:
        inserting("cse/before")(transaction)
        with pytest.raises(KeyError):
            undone(transaction, inserting("cse/undone"))
        with transaction.savepoint():
            inserting("cse/kept")(transaction)
            with pytest.raises(KeyError):
                undone(transaction, inserting("cse/undone"))
        inserting("cse/after")(transaction)

    await store.run(unit)
    assert await store.read(paths) == ["cse/before", "cse/kept", "cse/after"]


async def test_a_savepoint_goes_with_its_unit(store: Store) -> None:
    def unit(transaction: Transaction) -> None:
        with transaction.savepoint():
            inserting("cse/inside")(transaction)
        raise KeyError

    with pytest.raises(KeyError):
        await store.run(unit)
    assert await store.read(paths) == []


async def test_an_iteration_survives_a_savepoint_that_is_undone(store: Store) -> None:
    await store.run(inserting("cse/1", "cse/2", "cse/3"))
    seen = []

    def unit(transaction: Transaction) -> None:
        for child in transaction.resources.children("cse"):
            seen.append(child.path)
            with pytest.raises(KeyError):
                undone(transaction, removing(child))

    await store.run(unit)
    assert seen == ["cse/1", "cse/2", "cse/3"]


async def test_a_read_that_writes_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        await store.read(inserting("cse/1"))
    await store.run(inserting("cse/1"))
    assert await store.read(paths) == ["cse/1"]


async def test_an_iteration_that_a_reader_leaves_open_does_not_keep_the_next_read_in_the_past(store: Store) -> None:
    await store.run(inserting("cse/1", "cse/2"))
    await store.read(lambda transaction: transaction.resources.children("cse"))
    started = await store.read(lambda transaction: (children := transaction.resources.children("cse"), next(children)))
    await store.run(inserting("cse/3"))
    assert await store.read(paths) == ["cse/1", "cse/2", "cse/3"]
    with pytest.raises(Exception, match=r"(?i)closed|ended"):
        next(started[0])


async def test_a_caller_who_is_cancelled_does_not_disturb_the_others(store: Store) -> None:
    tasks = [asyncio.create_task(store.run(inserting(f"cse/{number}"))) for number in range(10)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(outcomes.pop(3), asyncio.CancelledError)
    assert outcomes == [None] * 9
    await store.run(inserting("cse/more"))


async def test_close_finishes_what_was_accepted(store: Store) -> None:
    numbers = itertools.count()
    tasks = [asyncio.create_task(store.run(lambda transaction: next(numbers))) for _ in range(300)]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*tasks) == list(range(300))
    with pytest.raises(RuntimeError, match="closed"):
        await store.run(paths)


async def test_what_a_unit_got_is_its_own(store: Store) -> None:
    def change(transaction: Transaction) -> Resource | None:
        found = transaction.resources.get("cse/1")
        assert found
        found.attributes["lbl"] = ["b"]
        return transaction.resources.get("cse/1")

    await store.run(inserting("cse/1", lbl=["a"]))
    assert await store.run(change) == resource("cse/1", lbl=["a"])
    assert await store.read(lambda transaction: transaction.resources.get("cse/1")) == resource("cse/1", lbl=["a"])


async def test_what_a_unit_has_stored_does_not_follow_what_it_does_later(store: Store) -> None:
    def insert_and_change(transaction: Transaction) -> None:
        new = resource("cse/1", value=1)
        transaction.resources.insert(new)
        new.attributes["value"] = 2

    def update_and_change(transaction: Transaction) -> None:
        found = transaction.resources.get("cse/1")
        assert found
        found.attributes["value"] = 3
        transaction.resources.update(found)
        found.attributes["value"] = 4

    for unit, value in ((insert_and_change, 1), (update_and_change, 3)):
        await store.run(unit)
        assert await store.read(lambda transaction: transaction.resources.get("cse/1")) == resource(
            "cse/1", value=value
        )
