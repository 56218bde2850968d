"""Group commit."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator

import pytest

from cse.store import Transaction
from cse.store.sqlite.schema import connect, prepare
from cse.store.sqlite.transaction import SQLiteConnection
from cse.store.worker import MAXIMUM_BATCH, TransactionLost, Worker
from tests.cse.store.samples import inserting, paths


@pytest.fixture
def connection() -> sqlite3.Connection:
    connection = connect(":memory:")
    prepare(connection)
    return connection


@pytest.fixture
async def worker(connection: sqlite3.Connection) -> AsyncIterator[Worker]:
    started = Worker(SQLiteConnection(connection, "BEGIN IMMEDIATE"), "writer")
    yield started
    await started.close()
    connection.close()


async def test_what_queues_during_a_unit_shares_the_next_commit(worker: Worker, connection: sqlite3.Connection) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    began, go = threading.Event(), threading.Event()

    def hold(transaction: Transaction) -> None:
        began.set()
        go.wait()

    first = asyncio.create_task(worker.run(hold))
    await asyncio.to_thread(began.wait)
    others = [asyncio.create_task(worker.run(inserting(f"cse/{number}"))) for number in range(MAXIMUM_BATCH + 1)]
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(first, *others)
    assert statements.count("COMMIT") == 3
    assert statements.count("SAVEPOINT unit") == MAXIMUM_BATCH + 2


async def test_when_the_commit_fails_everyone_in_the_batch_hears_of_it(
    worker: Worker, connection: sqlite3.Connection
) -> None:
    connection.executescript(
        "PRAGMA foreign_keys = ON;"
        "CREATE TABLE owner (id INTEGER PRIMARY KEY);"
        "CREATE TABLE thing (owner REFERENCES owner (id) DEFERRABLE INITIALLY DEFERRED);"
    )
    outcomes = await asyncio.gather(
        worker.run(inserting("cse/1")),
        worker.run(lambda transaction: connection.execute("INSERT INTO thing VALUES (7)").rowcount),
        worker.run(inserting("cse/2")),
        return_exceptions=True,
    )
    assert [(type(one), type(one.__cause__)) for one in outcomes] == [(TransactionLost, sqlite3.IntegrityError)] * 3
    assert await worker.run(paths) == []
    await worker.run(inserting("cse/3"))
    assert await worker.run(paths) == ["cse/3"]


async def test_when_sqlite_gives_up_the_transaction_everyone_gets_its_reason(
    worker: Worker, connection: sqlite3.Connection
) -> None:
    def break_down(transaction: Transaction) -> None:
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("database or disk is full")

    units = [inserting("cse/1"), break_down, inserting("cse/2")]
    outcomes = await asyncio.gather(*(worker.run(unit) for unit in units), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["database or disk is full"] * 3
    assert await worker.run(paths) == []


async def test_a_full_disk_is_reported_and_passes(worker: Worker, connection: sqlite3.Connection) -> None:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises((TransactionLost, sqlite3.OperationalError), match="full"):
        await worker.run(inserting("cse/large", con="x" * 100_000))
    await worker.run(inserting("cse/small"))
    assert await worker.run(paths) == ["cse/small"]


async def test_an_error_that_would_end_a_thread_reaches_the_caller(worker: Worker) -> None:
    def leave(transaction: Transaction) -> None:
        raise GeneratorExit("leave")

    with pytest.raises(GeneratorExit, match="leave"):
        await worker.run(leave)
    assert await worker.run(lambda transaction: 1) == 1


def test_a_loop_that_is_gone_does_not_disturb_the_thread(connection: sqlite3.Connection) -> None:
    began, go, went_on = threading.Event(), threading.Event(), threading.Event()

    def hold(transaction: Transaction) -> None:
        began.set()
        go.wait()

    async def leave_behind() -> None:
        worker = Worker(SQLiteConnection(connection, "BEGIN IMMEDIATE"), "writer")
        tasks = [asyncio.create_task(worker.run(hold))]
        await asyncio.to_thread(began.wait)
        tasks.append(asyncio.create_task(worker.run(lambda transaction: went_on.set())))
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()

    asyncio.run(leave_behind())
    go.set()
    assert went_on.wait(timeout=60)
