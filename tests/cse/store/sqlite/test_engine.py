"""What only the SQLite engine promises."""

import asyncio
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import pytest

from cse.config import ConfigurationError
from cse.store import Search, Store, Transaction
from cse.store.opening import open_store
from cse.store.sqlite.engine import READERS
from cse.store.sqlite.transaction import SQLiteTransaction
from tests.cse.store.samples import campaign, inserting, paths, rows

REPOSITORY = Path(__file__).parents[4]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cse.sqlite"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[Store]:
    opened = open_store(f"sqlite:///{file}")
    await opened.open()
    yield opened
    await opened.close()


async def test_an_acknowledged_unit_survives_kill_9(file: Path) -> None:
    arguments = (sys.executable, "-m", "tests.cse.store.writer_process", f"sqlite:///{file}")
    process = await asyncio.create_subprocess_exec(*arguments, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    acknowledged = [await process.stdout.readline() for _ in range(300)]
    process.kill()
    acknowledged += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    store = open_store(f"sqlite:///{file}")
    await store.open()
    kept = await store.read(lambda transaction: list(transaction.resources.search(Search("cse", labels=["kept"]))))
    complete = {line.decode().strip() for line in acknowledged if line.endswith(b"\n")}
    assert len(complete) >= 300
    assert complete <= {resource.path for resource in kept}
    await store.close()


async def test_every_commit_waits_for_the_disk(store: Store) -> None:
    def pragmas(transaction: Transaction) -> list[object]:
        names = ("journal_mode", "synchronous")
        return [_connection(transaction).execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    full = 2
    assert await store.run(pragmas) == ["wal", full]


async def test_a_second_server_is_refused_until_the_first_closes(store: Store, file: Path) -> None:
    second = open_store(f"sqlite:///{file}")
    with pytest.raises(ConfigurationError, match=r"cannot use .*cse\.sqlite: another server has it open"):
        await second.open()
    await second.close()
    await store.run(inserting("cse/1"))
    await store.close()
    await second.open()
    assert await second.read(paths) == ["cse/1"]
    await second.close()


async def test_a_read_does_not_wait_for_the_writer(store: Store) -> None:
    await store.run(inserting("cse/1"))
    loop = asyncio.get_running_loop()

    def unit(transaction: Transaction) -> list[str]:
        _connection(transaction)
        inserting("cse/2")(transaction)
        return asyncio.run_coroutine_threadsafe(store.read(paths), loop).result()

    assert await store.run(unit) == ["cse/1"]
    assert await store.read(paths) == ["cse/1", "cse/2"]


async def test_long_reads_do_not_keep_short_ones_waiting(store: Store) -> None:
    begun, go = threading.Semaphore(0), threading.Event()

    def long(transaction: Transaction) -> None:
        _connection(transaction)
        begun.release()
        go.wait()

    reads = []
    for _ in range(READERS - 1):
        reads.append(asyncio.create_task(store.read(long)))
        await asyncio.to_thread(begun.acquire)
    assert [await store.read(paths) for _ in range(10)] == [[]] * 10
    go.set()
    await asyncio.gather(*reads)


def test_a_folder_that_cannot_be_made_is_refused(file: Path) -> None:
    file.write_text("a file, not a folder")
    with pytest.raises(ConfigurationError, match="cannot use"):
        asyncio.run(open_store(f"sqlite:///{file}/below/cse.sqlite").open())


def latest(transaction: Transaction) -> object:
    return next(transaction.resources.children("cse/large", 4, newest_first=True))


def oldest(transaction: Transaction) -> object:
    return next(transaction.resources.children("cse/large", 4))


def labelled(transaction: Transaction) -> object:
    return list(transaction.resources.search(Search("cse", labels=["rare"])))


def typed(transaction: Transaction) -> object:
    return list(transaction.resources.search(Search("cse", types=[3])))


def narrow(transaction: Transaction) -> object:
    return list(transaction.resources.search(Search("cse/small")))


def expired(transaction: Transaction) -> object:
    return transaction.resources.expired("20260101T000000", 10)


def add_and_drop(transaction: Transaction) -> object:
    inserting("cse/large/new", ty=4)(transaction)
    return transaction.resources.remove(next(transaction.resources.children("cse/large", 4, newest_first=True)))


@pytest.mark.parametrize("unit", [latest, oldest, labelled, typed, narrow, expired, add_and_drop])
async def test_effort_does_not_grow_with_the_number_of_instances(
    store: Store, unit: Callable[[Transaction], object]
) -> None:
    await store.run(inserting("cse/small", "cse/small/below", lbl=["rare"]))
    before = await _fill_and_measure(store, unit, range(200))
    assert await _fill_and_measure(store, unit, range(200, 5000)) < before * 1.5


async def test_other_campaigns_are_found_without_reading_them(store: Store) -> None:
    def unit(transaction: Transaction) -> object:
        return transaction.campaigns.others(f"campaign-{transaction.campaigns.last_sequence()}", "WAITING")

    def add(sequence: int, size: int) -> Callable[[Transaction], None]:
        others = rows([str(number) for number in range(size)], "ANSWERED")
        return lambda transaction: transaction.campaigns.add(campaign(sequence), others)

    await store.run(add(1, 100))
    await store.run(add(2, 10))
    before = await store.run(lambda transaction: _instructions(transaction, unit))
    await store.run(add(3, 5000))
    await store.run(add(4, 10))
    assert await store.run(lambda transaction: _instructions(transaction, unit)) < before * 1.5


async def _fill_and_measure(store: Store, unit: Callable[[Transaction], object], numbers: range) -> int:
    await store.run(inserting(*(f"cse/large/{number}" for number in numbers), ty=4, et="20270101T000000"))
    return await store.run(lambda transaction: _instructions(transaction, unit))


def _instructions(transaction: Transaction, unit: Callable[[Transaction], object]) -> int:
    """How many steps SQLite's machine takes for the unit."""
    steps = []
    connection = _connection(transaction)
    connection.set_progress_handler(lambda: steps.append(1), 1)
    unit(transaction)
    connection.set_progress_handler(None, 1)
    return len(steps)


def _connection(transaction: Transaction) -> sqlite3.Connection:
    """A unit that asks for it runs in another thread than the event loop."""
    return cast(SQLiteTransaction, transaction).connection
