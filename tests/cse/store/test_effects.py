"""Effects, over every engine."""

from collections.abc import Collection
from contextlib import suppress

import pytest

from cse.store import Effect, Store, Transaction


def add(transaction: Transaction) -> None:
    transaction.effects.add("notify", {"to": ["http://127.0.0.1/"]})
    transaction.effects.add("group", {})
    transaction.effects.add("notify", {"n": 3})


async def test_pending_in_the_order_of_identifiers(store: Store) -> None:
    await store.run(add)
    effects = [
        Effect(1, "notify", {"to": ["http://127.0.0.1/"]}),
        Effect(2, "group", {}),
        Effect(3, "notify", {"n": 3}),
    ]
    assert await store.read(lambda transaction: transaction.effects.pending()) == effects
    assert await store.read(lambda transaction: transaction.effects.pending(limit=1)) == effects[:1]
    assert await store.read(lambda transaction: transaction.effects.pending(after=1)) == effects[1:]


async def test_identifiers_are_never_used_twice(store: Store) -> None:
    await store.run(add)
    await store.run(lambda transaction: transaction.effects.remove([2, 3, 99]))
    await store.run(lambda transaction: transaction.effects.add("notify", {}))
    pending = await store.read(lambda transaction: transaction.effects.pending())
    assert [effect.id for effect in pending] == [1, 4]


async def test_what_is_claimed_is_not_claimed_again_until_it_is_removed(store: Store) -> None:
    await store.run(add)

    def claim(transaction: Transaction, limit: int = 10, kinds: Collection[str] = ()) -> list[int]:
        return [effect.id for effect in transaction.effects.claim(limit, kinds=kinds)]

    assert await store.run(lambda transaction: claim(transaction, 1)) == [1]
    assert await store.run(lambda transaction: claim(transaction, kinds=["notify", "none"])) == [3]
    assert await store.run(lambda transaction: claim(transaction, kinds=["notify"])) == []
    assert await store.run(claim) == [2]
    assert len(await store.read(lambda transaction: transaction.effects.pending())) == 3
    await store.run(lambda transaction: transaction.effects.remove([1, 2, 3]))
    await store.run(add)
    assert len(await store.run(claim)) == 3


async def test_a_claim_goes_with_what_fails(store: Store) -> None:
    await store.run(add)

    def fail(transaction: Transaction) -> None:
        assert len(transaction.effects.claim(10)) == 3
        raise KeyError

    def undo_a_part(transaction: Transaction) -> list[int]:
        transaction.effects.claim(1)
        with suppress(KeyError), transaction.savepoint():
            transaction.effects.claim(1)
            raise KeyError
        return [effect.id for effect in transaction.effects.claim(10)]

    with pytest.raises(KeyError):
        await store.run(fail)
    assert await store.run(undo_a_part) == [2, 3]


async def test_those_that_fail_have_no_effect_on_order(store: Store) -> None:
    def fail(transaction: Transaction) -> None:
        transaction.effects.add("notify", {})
        raise KeyError

    await store.run(add)
    with pytest.raises(KeyError):
        await store.run(fail)
    assert await store.run(lambda transaction: transaction.effects.add("last", {})) > 3
    pending = await store.read(lambda transaction: transaction.effects.pending())
    assert [effect.kind for effect in pending] == ["notify", "group", "notify", "last"]


async def test_what_is_in_lanes_and_what_is_still_there(store: Store) -> None:
    def fill(transaction: Transaction) -> list[int]:
        return [transaction.effects.add("notify", {}, lane=lane) for lane in ("a", "b", "a", "", "a\x00")]

    numbers = await store.run(fill)
    await store.run(lambda transaction: transaction.effects.claim(1))

    def look(transaction: Transaction) -> list[list[int]]:
        lanes = transaction.effects.in_lanes
        return [lanes(["a"]), lanes(["b", "a", "none"]), lanes([""]), lanes([]), lanes(["a\x00"])]

    first, second, third, fourth, fifth = numbers
    assert await store.read(look) == [[first, third], [first, second, third], [fourth], [], [fifth]]
    await store.run(lambda transaction: transaction.effects.remove([second, fifth + 7]))
    left = await store.read(lambda transaction: transaction.effects.present([fifth, second, first, fifth + 7]))
    assert sorted(left) == [first, fifth]
    assert await store.read(lambda transaction: transaction.effects.present([])) == []


async def test_a_lane_is_part_of_the_effect(store: Store) -> None:
    await store.run(lambda transaction: transaction.effects.add("notify", {"n": 1}, lane="notify http://x"))
    claimed = await store.run(lambda transaction: transaction.effects.claim(5))
    assert claimed == [Effect(1, "notify", {"n": 1}, "notify http://x")]
    assert await store.read(lambda transaction: transaction.effects.pending(limit=1)) == claimed
