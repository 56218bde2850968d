"""Searches on the event loop while there is something that the file does not have yet."""

from collections.abc import Callable

import pytest

from cse.store import Search, Store, Transaction
from cse.store.sqlite.quick.transaction import QuickTransaction
from tests.cse.store.samples import inserting, resource

RED = Search("cse", labels=["red"])


@pytest.fixture
async def store(store: Store) -> Store:
    await store.run(inserting("cse/box/1", "cse/box/2", "cse/box/3", "cse/box/4", ty=4, lbl=["red"]))
    return store


Change = Callable[[Transaction], None]


def relabelled(path: str, label: str) -> Change:
    return lambda transaction: transaction.resources.update(resource(path, 4, lbl=[label]))


def removed(path: str) -> Change:
    return lambda transaction: transaction.resources.remove(resource(path, 4))


@pytest.mark.parametrize(
    ("change", "found", "quick"),
    [
        (inserting("cse/box/5", ty=4, lbl=["blue"]), "1234", True),
        (inserting("cse/box/5", ty=4, lbl=["red"]), "12345", False),
        (inserting("other", lbl=["red"]), "1234", True),
        (removed("cse/box/2"), "134", True),
        (relabelled("cse/box/2", "blue"), "134", True),
        (relabelled("cse/box/2", "red"), "1234", False),
        (relabelled("cse/box", "blue"), "1234", True),
    ],
)
async def test_a_search_needs_another_thread_only_for_what_it_is_to_find(
    store: Store, change: Change, found: str, quick: bool
) -> None:
    def unit(transaction: Transaction) -> tuple[str, bool]:
        change(transaction)
        hits = "".join(hit.path[-1] for hit in transaction.resources.search(RED))
        return hits, isinstance(transaction, QuickTransaction)

    assert await store.run(unit) == (found, quick)
    assert await store.read(lambda transaction: len(list(transaction.resources.search(RED)))) == len(found)


async def test_what_a_search_finds_may_be_changed_on_the_way(store: Store) -> None:
    def unit(transaction: Transaction) -> str:
        seen = ""
        for hit in transaction.resources.search(RED):
            seen += hit.path[-1] + hit.attributes.get("note", "")
            if hit.path == "cse/box/1":
                transaction.resources.remove(resource("cse/box/2", 4))
                transaction.resources.update(resource("cse/box/3", 4, lbl=["red"], note="!"))
        assert isinstance(transaction, QuickTransaction)
        return seen

    assert await store.run(unit) == "13!4"
