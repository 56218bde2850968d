"""Alarms, over every engine."""

from typing import Any

from cse.store import Alarm, Store, Transaction
from tests.cse.store.samples import resource


async def test_they_are_due_in_order_of_time(store: Store) -> None:
    def unit(transaction: Transaction) -> Any:
        alarms = transaction.alarms
        for ri, name, due in [("b", "batch", 30.0), ("a", "batch", 10.5), ("a", "window", 20.0)]:
            alarms.set(ri, name, due)
        return alarms.next(), alarms.due(20.0, 10), alarms.due(20.0, 1), alarms.due(10.4, 10)

    first = Alarm("a", "batch", 10.5)
    assert await store.run(unit) == (10.5, [first, Alarm("a", "window", 20.0)], [first], [])


async def test_one_of_each_name_which_can_be_moved_and_cancelled(store: Store) -> None:
    def unit(transaction: Transaction) -> Any:
        alarms = transaction.alarms
        alarms.set("a", "batch", 10.0)
        alarms.set("a", "batch", 30.0)
        moved = alarms.get("a", "batch"), alarms.get("a", "window"), alarms.due(20.0, 10)
        alarms.cancel("a", "batch")
        alarms.cancel("a", "batch")
        return moved, alarms.next()

    assert await store.run(unit) == ((30.0, None, []), None)


async def test_they_go_with_their_resource_and_its_descendants(store: Store) -> None:
    def unit(transaction: Transaction) -> Any:
        above, below, beside = (resource(path, 3) for path in ("cse/a", "cse/a/b", "cse/ab"))
        for each in (above, below, beside):
            transaction.resources.insert(each)
            transaction.alarms.set(each.ri, "batch", 1.0)
        transaction.resources.remove(above)
        return [alarm.ri for alarm in transaction.alarms.due(9.0, 10)] == [beside.ri]

    assert await store.run(unit)


async def test_those_of_one_name_are_hastened_but_never_put_off(store: Store) -> None:
    def unit(transaction: Transaction) -> Any:
        alarms = transaction.alarms
        for ri, name, due in [("a", "away", 5.0), ("b", "away", 30.0), ("b", "batch", 40.0)]:
            alarms.set(ri, name, due)
        alarms.hasten("away", 10.0)
        return [alarms.get("a", "away"), alarms.get("b", "away"), alarms.get("b", "batch")]

    assert await store.run(unit) == [5.0, 10.0, 40.0]
