"""What is on the disk at any moment opens, and holds every unit that had been acknowledged before."""

import asyncio
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from cse.store import Store, Transaction
from cse.store.sqlite.transaction import SQLiteTransaction
from tests.cse.store.engines import store_at
from tests.cse.store.samples import paths, resource

REPOSITORY = Path(__file__).parents[4]
WRITERS = 4
COPIES = 40
CUTS = 60
LARGE = "x" * 3000  # so that pages are copied from the log to the file while copies are made


async def opened(file: Path) -> Store:
    store = store_at(f"sqlite:///{file}", file.parent)
    await store.open()
    return store


async def units(file: Path) -> dict[int, int]:
    """The last unit of each writer in a store; each is whole, and so are those before it."""

    def look(transaction: Transaction) -> dict[int, int]:
        found: dict[int, int] = {}
        for writer in range(WRITERS):
            first, second = ([*transaction.resources.children(f"cse/{half}-{writer}")] for half in ("a", "b"))
            numbers = [child.attributes["number"] for child in first]
            assert numbers == [child.attributes["number"] for child in second] == list(range(len(numbers)))
            found[writer] = len(numbers) - 1
        return found

    store = await opened(file)
    found = await store.read(look)
    assert await store.check() == []
    await store.close()
    return found


class Writers:
    """They write without a pause; `acknowledged` has the last unit of each that is durable."""

    def __init__(self, store: Store) -> None:
        self.acknowledged = dict.fromkeys(range(WRITERS), -1)
        self._store = store

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._write(writer)) for writer in range(WRITERS)]
            yield
            for task in tasks:
                task.cancel()

    async def _write(self, writer: int) -> None:
        for number in itertools.count():
            await self._store.run(lambda transaction: _add(transaction, writer, number))  # noqa: B023
            self.acknowledged[writer] = number


def _add(transaction: Transaction, writer: int, number: int) -> None:
    for half in ("a", "b"):
        transaction.resources.insert(resource(f"cse/{half}-{writer}/{number}", 4, number=number, con=LARGE))


def copy(file: Path, place: Path) -> Path:
    """As the disk has it while nobody writes."""
    place.mkdir()
    for ending in ("", "-wal", ".unfinished"):
        shutil.copyfile(f"{file}{ending}", place / f"{file.name}{ending}")
    return place / file.name


def test_whatever_moment_the_power_goes_what_was_acknowledged_is_there(tmp_path: Path) -> None:
    """The writing process is stopped at once, in the middle of whatever it does, while the files are copied."""
    file, taken = tmp_path / "cse.sqlite", list[tuple[Path, set[str]]]()
    command = (sys.executable, "-m", "tests.cse.store.writer_process", f"sqlite:///{file}")
    acknowledged: set[str] = set()
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for number in range(COPIES):
            acknowledged |= {process.stdout.readline().strip() for _ in range(20 + number)}
            process.send_signal(signal.SIGSTOP)
            os.waitpid(process.pid, os.WUNTRACED)
            taken.append((copy(file, tmp_path / str(number)), set(acknowledged)))
            process.send_signal(signal.SIGCONT)
        process.kill()
        process.stdout.close()
    for copied, expected in taken:
        assert expected <= asyncio.run(kept(copied))


async def kept(file: Path) -> set[str]:
    """The paths in a store that is sound."""
    store = await opened(file)
    assert await store.check() == []
    found = await store.read(paths)
    await store.close()
    return set(found)


@pytest.mark.parametrize("seed", range(3))
async def test_a_log_that_ends_anywhere_has_whole_units(tmp_path: Path, seed: int) -> None:
    """As when the power goes in the middle of a commit: what follows is not there, or is not what was written."""
    store = await opened(tmp_path / "cse.sqlite")
    writers = Writers(store)
    async with writers.running():
        await store.run(lambda transaction: None)
        while min(writers.acknowledged.values()) < 5:
            await store.run(lambda transaction: None)
    taken: list[Path] = []

    def take(transaction: Transaction) -> None:
        """In the thread that writes, so between two commits."""
        assert cast(SQLiteTransaction, transaction).connection
        taken.append(copy(tmp_path / "cse.sqlite", tmp_path / "taken"))

    await store.run(take)
    acknowledged = dict(writers.acknowledged)
    await store.close()
    log = taken[0].with_name("cse.sqlite-wal")
    data, random_numbers = log.read_bytes(), random.Random(seed)
    whole = await _units_with_log(taken[0], tmp_path / "whole", data)
    assert all(whole[writer] >= last for writer, last in acknowledged.items())
    for number in range(CUTS):
        end = random_numbers.randrange(32, len(data))
        tail = random_numbers.randbytes(len(data) - end) if number % 2 else b""
        found = await _units_with_log(taken[0], tmp_path / str(number), data[:end] + tail)
        assert all(found[writer] <= whole[writer] for writer in range(WRITERS))


async def _units_with_log(file: Path, place: Path, log: bytes) -> dict[int, int]:
    cut = copy(file, place)
    cut.with_name("cse.sqlite-wal").write_bytes(log)
    return await units(cut)
