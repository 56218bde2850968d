"""Effects that nobody has claimed are in memory, but not all of them if they are many."""

import pytest

from cse.store import Store


async def test_many_are_claimed_all_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cse.store.sqlite.quick.effects.MOST_UNCLAIMED", 5)
    await store.run(lambda transaction: transaction.effects.claim(10))
    added = [await store.run(lambda transaction: transaction.effects.add("note", {})) for _ in range(20)]
    claimed: list[int] = []
    while found := await store.run(lambda transaction: [each.id for each in transaction.effects.claim(3)]):
        claimed += found
    assert claimed == added
