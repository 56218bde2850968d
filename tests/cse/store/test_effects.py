"""Effects, over every engine."""

from cse.store import Effect, Store, Transaction


def add(transaction: Transaction) -> None:
    transaction.effects.add("notify", {"to": ["http://127.0.0.1/"]})
    transaction.effects.add("deadline", {}, due=20.0)
    transaction.effects.add("notify", {"n": 3}, due=10.0)


async def test_due_in_the_order_of_identifiers(store: Store) -> None:
    await store.run(add)
    first, third = Effect(1, "notify", 0.0, {"to": ["http://127.0.0.1/"]}), Effect(3, "notify", 10.0, {"n": 3})
    assert await store.read(lambda transaction: transaction.effects.due(9.9)) == [first]
    assert await store.read(lambda transaction: transaction.effects.due(10.0)) == [first, third]
    assert await store.read(lambda transaction: transaction.effects.due(10.0, limit=1)) == [first]
    assert await store.read(lambda transaction: transaction.effects.due(10.0, after=1)) == [third]
    due = await store.read(lambda transaction: transaction.effects.due(20.0))
    assert [effect.id for effect in due] == [1, 2, 3]


async def test_identifiers_are_never_used_twice(store: Store) -> None:
    await store.run(add)
    await store.run(lambda transaction: transaction.effects.remove([2, 3, 99]))
    await store.run(lambda transaction: transaction.effects.add("notify", {}))
    due = await store.read(lambda transaction: transaction.effects.due(100.0))
    assert [effect.id for effect in due] == [1, 4]
