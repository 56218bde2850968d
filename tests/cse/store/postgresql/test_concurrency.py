"""Units of two processes take effect one after the other."""

import asyncio
import threading

import pytest

from cse.errors import NotFound
from cse.store import Transaction, Unit
from cse.store.postgresql.engine import PostgreSQLStore
from tests.cse.store.samples import inserting, paths, resource

Pair = tuple[PostgreSQLStore, PostgreSQLStore]


async def test_what_one_acknowledges_the_other_sees_next(pair: Pair) -> None:
    one, other = pair
    for number in range(10):
        await one.run(inserting(f"cse/{number}"))
        assert len(await other.read(paths)) == number + 1
        assert len(await other.run(paths)) == number + 1


async def test_counters_lose_nothing(pair: Pair) -> None:
    def count(transaction: Transaction) -> None:
        counter = transaction.resources.get("cse/counter")
        assert counter
        counter.attributes["value"] += 1
        transaction.resources.update(counter)

    await pair[0].run(inserting("cse/counter", value=0))
    await asyncio.gather(*(store.run(count) for _ in range(50) for store in pair))
    counter = await pair[0].read(lambda transaction: transaction.resources.get("cse/counter"))
    assert counter
    assert counter.attributes["value"] == 100


async def meanwhile(pair: Pair, unit: Unit[None], other: Unit[None]) -> None:
    """Run `unit` in one process; the other one runs `other` when the first attempt has begun."""
    attempts: list[None] = []
    loop = asyncio.get_running_loop()

    def interrupted(transaction: Transaction) -> None:
        transaction.resources.get("cse")
        attempts.append(None)
        if len(attempts) == 1:
            asyncio.run_coroutine_threadsafe(pair[1].run(other), loop).result()
        unit(transaction)

    await pair[0].run(interrupted)


def removing(path: str) -> Unit[None]:
    def remove(transaction: Transaction) -> None:
        transaction.lists.drop_targets(path)
        transaction.resources.remove(resource(path))

    return remove


def adding_to(parent: str, name: str) -> Unit[None]:
    """A child below a parent, as long as that is there."""

    def add(transaction: Transaction) -> None:
        if transaction.resources.get(parent) is None:
            raise NotFound(f"there is no {parent}")
        inserting(f"{parent}/{name}")(transaction)

    return add


async def test_no_child_comes_below_a_parent_that_has_gone(pair: Pair) -> None:
    await pair[0].run(inserting("cse", "cse/a"))
    with pytest.raises(NotFound):
        await meanwhile(pair, adding_to("cse/a", "child"), removing("cse/a"))
    assert await pair[0].read(paths) == []


async def test_a_child_that_came_meanwhile_goes_with_its_parent(pair: Pair) -> None:
    await pair[0].run(inserting("cse", "cse/a"))
    await meanwhile(pair, removing("cse/a"), adding_to("cse/a", "child"))
    assert await pair[0].read(paths) == []
    assert await pair[0].check() == []


async def test_an_item_that_came_meanwhile_is_dropped_with_its_target(pair: Pair) -> None:
    await pair[0].run(inserting("cse", "cse/a", "cse/group"))
    fill = lambda transaction: transaction.lists.replace("cse/group", [("a", "cse/a")])  # noqa: E731
    await meanwhile(pair, removing("cse/a"), fill)
    assert await pair[0].read(lambda transaction: transaction.lists.items("cse/group")) == []


@pytest.mark.parametrize("setting", ["alarm", "queue"])
async def test_nothing_is_left_for_a_resource_that_has_gone(pair: Pair, setting: str) -> None:
    def late(transaction: Transaction) -> None:
        if transaction.resources.get("cse/a") is not None:
            if setting == "alarm":
                transaction.alarms.set("cse/a", "wake", 1.0)
            else:
                transaction.queues.append("cse/a", "wait", {})

    async def check() -> None:
        assert await pair[0].read(lambda transaction: transaction.alarms.next()) is None
        assert await pair[0].read(lambda transaction: transaction.queues.count("cse/a", "wait")) == 0

    await pair[0].run(inserting("cse", "cse/a"))
    await meanwhile(pair, removing("cse/a"), late)
    await check()
    await pair[0].run(inserting("cse/a"))
    await meanwhile(pair, late, removing("cse/a"))
    await check()


def forgetting(policy: str) -> Unit[None]:
    """Remove a policy with its names."""

    def forget(transaction: Transaction) -> None:
        for governed in list(transaction.resources.governed_by([policy])):
            governed.attributes["acpi"] = []
            transaction.resources.update(governed)
        transaction.resources.remove(resource(policy))

    return forget


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("new", [True, False])
async def test_no_name_is_left_of_a_policy_that_has_gone(pair: Pair, first: bool, new: bool) -> None:
    def name(transaction: Transaction) -> None:
        if transaction.resources.get("cse/policy") is None:
            return
        named = resource("cse/named", acpi=["cse/policy"])
        (transaction.resources.insert if new else transaction.resources.update)(named)

    await pair[0].run(inserting("cse", "cse/policy"))
    if not new:
        await pair[0].run(inserting("cse/named"))
    units = (name, forgetting("cse/policy"))
    await meanwhile(pair, *(units if first else units[::-1]))
    assert await pair[0].read(lambda transaction: list(transaction.resources.governed_by(["cse/policy"]))) == []
    assert await pair[0].read(lambda transaction: transaction.resources.get("cse/policy")) is None


async def test_a_key_is_given_once(pair: Pair) -> None:
    outcomes = await asyncio.gather(
        *(store.run(inserting(f"cse/{number}", _key="one")) for number, store in enumerate(pair)),
        return_exceptions=True,
    )
    assert sum(outcome is None for outcome in outcomes) == 1
    assert len(await pair[0].read(paths)) == 1


async def test_a_collision_that_a_unit_swallows_is_noticed(pair: Pair) -> None:
    def careless(transaction: Transaction) -> None:
        counter = transaction.resources.get("cse/a")
        assert counter
        try:
            with transaction.savepoint():
                counter.attributes["value"] += 1
                transaction.resources.update(counter)
        except Exception:
            transaction.effects.add("swallowed", {})

    def count(transaction: Transaction) -> None:
        counter = transaction.resources.get("cse/a")
        assert counter
        counter.attributes["value"] += 1
        transaction.resources.update(counter)

    await pair[0].run(inserting("cse", "cse/a", value=0))
    await meanwhile(pair, careless, count)
    found = await pair[0].read(lambda transaction: transaction.resources.get("cse/a"))
    assert found
    assert found.attributes["value"] == 2
    assert await pair[0].read(lambda transaction: transaction.effects.pending()) == []


async def test_a_read_sees_one_moment(pair: Pair) -> None:
    reading, written = threading.Event(), threading.Event()

    def read(transaction: Transaction) -> tuple[list[str], list[str]]:
        before = paths(transaction)
        reading.set()
        written.wait(30)
        return before, paths(transaction)

    await pair[0].run(inserting("cse/1"))
    task = asyncio.create_task(pair[0].read(read))
    await asyncio.to_thread(reading.wait, 30)
    await pair[1].run(inserting("cse/2"))
    written.set()
    assert await task == (["cse/1"], ["cse/1"])
