"""What a search costs, counted in steps of SQLite."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice

import pytest

from cse.store import Search
from cse.store.sqlite.schema import connect, prepare
from cse.store.sqlite.transaction import SQLiteTransaction
from tests.cse.store.samples import inserting


@pytest.fixture
def transaction() -> Iterator[SQLiteTransaction]:
    with closing(connect(":memory:")) as connection:
        prepare(connection)
        yield SQLiteTransaction(connection)


def steps(transaction: SQLiteTransaction, search: Search, hits: int) -> int:
    """How many steps it takes to find so many."""
    counted = []
    transaction.connection.set_progress_handler(lambda: counted.append(1), 1)
    found = list(islice(transaction.resources.search(search), hits))
    transaction.connection.set_progress_handler(None, 0)
    transaction.finish()
    assert len(found) == hits
    return len(counted)


@pytest.mark.parametrize("search", [Search("cse", labels=["tag"]), Search("cse", types=[3], labels=["tag"], levels=2)])
def test_the_first_of_many_with_one_label_cost_no_more_than_the_first_of_few(
    transaction: SQLiteTransaction, search: Search
) -> None:
    inserting(*(f"cse/{number}" for number in range(10)), lbl=["tag"])(transaction)
    with_few = steps(transaction, search, 5)
    inserting(*(f"cse/{number}" for number in range(10, 1000)), lbl=["tag"])(transaction)
    assert steps(transaction, search, 5) == with_few


def test_what_is_found_by_a_label_costs_no_more_in_a_larger_tree(transaction: SQLiteTransaction) -> None:
    inserting(*(f"cse/{number}" for number in range(10)), lbl=["tag", "other"])(transaction)
    searches = [Search("cse", labels=["tag"]), Search("cse", labels=["tag", "other"])]
    before = [steps(transaction, search, 10) for search in searches]
    inserting(*(f"cse/{number}" for number in range(10, 1000)), lbl=["third"])(transaction)
    after = [steps(transaction, search, 10) for search in searches]
    assert after == pytest.approx(before, abs=5)
