"""Effects, over every engine."""

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
