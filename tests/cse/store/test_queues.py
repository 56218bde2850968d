"""Queues, over every engine."""

from typing import Any

from cse.store import Store, Transaction
from tests.cse.store.samples import resource


def waiting(transaction: Transaction, ri: str = "a", name: str = "batch", limit: int | None = None) -> list[Any]:
    return [queued.document for queued in transaction.queues.items(ri, name, limit)]


async def test_what_came_first_is_in_front(store: Store) -> None:
    def unit(transaction: Transaction) -> tuple[Any, ...]:
        for number in range(3):
            transaction.queues.append("a", "batch", {"n": number})
        transaction.queues.append("a", "other", [])
        transaction.queues.append("b", "batch", "text")
        return waiting(transaction), waiting(transaction, limit=1), transaction.queues.count("a", "batch")

    assert await store.run(unit) == ([{"n": 0}, {"n": 1}, {"n": 2}], [{"n": 0}], 3)


async def test_single_documents_or_a_whole_queue_are_taken_out(store: Store) -> None:
    def unit(transaction: Transaction) -> tuple[Any, ...]:
        for name in ("batch", "batch", "other"):
            transaction.queues.append("a", name, name)
        first = transaction.queues.items("a", "batch", 1)[0]
        transaction.queues.remove([first.id, 99])
        left = waiting(transaction)
        transaction.queues.clear("a", "batch")
        return left, waiting(transaction), waiting(transaction, name="other")

    assert await store.run(unit) == (["batch"], [], ["other"])


async def test_they_go_with_their_resource(store: Store) -> None:
    def unit(transaction: Transaction) -> list[Any]:
        parent, child = resource("cse/a", 3), resource("cse/a/b", 3)
        for each in (parent, child):
            transaction.resources.insert(each)
            transaction.queues.append(each.ri, "batch", 1)
        transaction.resources.remove(parent)
        return waiting(transaction, parent.ri) + waiting(transaction, child.ri)

    assert await store.run(unit) == []
