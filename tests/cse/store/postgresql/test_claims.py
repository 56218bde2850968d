"""Effects that several processes carry out."""

import asyncio

from cse.store import Effect, Transaction, Unit
from cse.store.postgresql.engine import PostgreSQLStore

Pair = tuple[PostgreSQLStore, PostgreSQLStore]


def adding(*lanes: str) -> Unit[list[int]]:
    return lambda transaction: [transaction.effects.add("note", {}, lane=lane) for lane in lanes]


def claiming(limit: int) -> Unit[list[Effect]]:
    return lambda transaction: transaction.effects.claim(limit)


def numbers(effects: list[Effect]) -> list[int]:
    return [effect.id for effect in effects]


async def test_each_effect_goes_to_one(pair: Pair) -> None:
    one, other = pair
    first, second, third = await one.run(adding("", "", ""))
    assert numbers(await one.run(claiming(2))) == [first, second]
    assert numbers(await other.run(claiming(5))) == [third]
    assert await one.run(claiming(5)) == []


async def test_nobody_gets_anything_of_a_lane_in_which_another_has_something(pair: Pair) -> None:
    one, other = pair
    first, second, third, free = await one.run(adding("x", "x", "y", ""))
    assert numbers(await one.run(claiming(1))) == [first]
    assert numbers(await other.run(claiming(5))) == [third, free]
    assert numbers(await one.run(claiming(5))) == [second]
    await one.run(lambda transaction: transaction.effects.remove([first]))
    [late] = await other.run(adding("x"))
    assert await other.run(claiming(5)) == []
    await one.run(lambda transaction: transaction.effects.remove([second]))
    assert numbers(await other.run(claiming(5))) == [late]


async def test_two_that_claim_at_once_never_share_a_lane(pair: Pair) -> None:
    lanes = [f"lane {number % 7}" for number in range(70)]
    await pair[0].run(adding(*lanes))
    claimed = await asyncio.gather(*(store.run(claiming(3)) for _ in range(12) for store in pair))
    by_store = [{effect.lane for got in claimed[place::2] for effect in got} for place in (0, 1)]
    everything = [effect.id for got in claimed for effect in got]
    assert len(everything) == len(set(everything)) > 0
    assert not by_store[0] & by_store[1]


async def test_an_effect_that_is_committed_late_is_not_passed_over(pair: Pair) -> None:
    one, other = pair
    got: list[Effect] = []

    def late(transaction: Transaction) -> int:
        number = transaction.effects.add("note", {})
        if not got:
            got.extend(asyncio.run_coroutine_threadsafe(later(), loop).result())
        return number

    async def later() -> list[Effect]:
        await other.run(adding(""))
        return await other.run(claiming(5))

    loop = asyncio.get_running_loop()
    early = await one.run(late)
    assert numbers(got) == [early + 1]
    assert numbers(await other.run(claiming(5))) == [early]


async def test_what_is_due_goes_to_one_process_at_a_time(pair: Pair) -> None:
    one, other = pair
    names = ["a", "b", "c"]
    await one.run(lambda transaction: [transaction.alarms.set("cse/a", name, 1.0) for name in names])
    seen: list[list[str]] = []

    def due(transaction: Transaction) -> list[str]:
        mine = [alarm.name for alarm in transaction.alarms.due(2.0, 2)]
        if not seen:
            seen.append(asyncio.run_coroutine_threadsafe(other.run(rest), loop).result())
        return mine

    def rest(transaction: Transaction) -> list[str]:
        return [alarm.name for alarm in transaction.alarms.due(2.0, 3)]

    loop = asyncio.get_running_loop()
    mine = await one.run(due)
    assert len(mine) == 2
    assert sorted(mine + seen[0]) == names
