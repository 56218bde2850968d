"""Disks that are full or broken, files that may not be written: nothing is lost silently, nothing half done."""

import asyncio
import ctypes
import os
import resource as limits
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from cse.config import ConfigurationError
from cse.store import Store, Transaction
from cse.store.sqlite.files import CHECKED_AT_START
from cse.store.sqlite.transaction import SQLiteTransaction
from tests.cse.store.engines import store_at
from tests.cse.store.samples import inserting, paths
from tests.cse.store.sqlite import abandoning_process
from tests.cse.store.sqlite.abandoning_process import CONTENT, KEPT

REPOSITORY = Path(__file__).parents[4]
BLOCK = 4096
CAPABILITIES_VERSION, EFFECTIVE = 0x20080522, 0  # of capset(2), and which of its words those are that count


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "cse.sqlite"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[Store]:
    opened = new(file)
    await opened.open()
    await opened.run(inserting(*KEPT, con=CONTENT))
    yield opened
    await opened.close()


def new(file: Path) -> Store:
    return store_at(f"sqlite:///{file}", file.parent)


def fill(file: Path, *, stop: bool = True) -> None:
    """A store with KEPT; the server is killed unless it is to `stop`, which leaves the last commits in the log."""

    async def work() -> None:
        store = new(file)
        await store.open()
        await store.run(inserting(*KEPT, con=CONTENT))
        await store.close()

    if stop:
        asyncio.run(work())
    else:
        command = (sys.executable, "-m", abandoning_process.__name__, f"sqlite:///{file}")
        subprocess.run(command, cwd=REPOSITORY, check=True)


def refusal(file: Path, *, reads_only: bool = False) -> str:
    """What the engine says instead of opening the file, twice."""

    async def attempt() -> None:
        store = new(file)
        try:
            await store.open(reads_only=reads_only)
        finally:
            await store.close()

    sentences = []
    for _ in range(2):
        with pytest.raises(ConfigurationError) as raised:
            asyncio.run(attempt())
        sentences.append(str(raised.value))
    assert sentences[0] == sentences[1]
    assert str(file) in sentences[0]
    return sentences[0]


def content(file: Path, *, reads_only: bool = False) -> list[str]:
    async def look() -> list[str]:
        store = new(file)
        await store.open(reads_only=reads_only)
        try:
            return await store.read(paths)
        finally:
            await store.close()

    return asyncio.run(look())


@contextmanager
def unprivileged() -> Iterator[None]:
    """Without root's right to write everywhere, for the thread that asks and those that it starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION, 0)
    before, without = (ctypes.c_uint32 * 6)(), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, before) == 0
    for index, word in enumerate(before):
        without[index] = word if index != EFFECTIVE else 0
    assert libc.capset(header, without) == 0
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0


@contextmanager
def read_only(*paths: Path) -> Iterator[None]:
    """Nobody may write to these."""
    modes = {path: path.stat().st_mode for path in paths}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        with unprivileged():
            yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


async def test_a_full_disk_undoes_the_unit_and_passes(store: Store) -> None:
    def without_room(transaction: Transaction) -> None:
        connection = cast(SQLiteTransaction, transaction).connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    def with_room(transaction: Transaction) -> None:
        cast(SQLiteTransaction, transaction).connection.execute("PRAGMA max_page_count = 1000000")

    await store.run(without_room)
    with pytest.raises(Exception, match="full"):
        await store.run(inserting("cse/first", "cse/lost", con="x" * 100_000))
    assert await store.read(paths) == KEPT
    await store.run(with_room)
    await store.run(inserting("cse/first"))
    assert await store.read(paths) == [*KEPT, "cse/first"]


async def test_a_log_that_cannot_grow_undoes_the_unit_and_passes(store: Store, file: Path) -> None:
    allowed, most = limits.getrlimit(limits.RLIMIT_FSIZE)
    limits.setrlimit(limits.RLIMIT_FSIZE, (_log(file).stat().st_size + BLOCK, most))
    try:
        outcomes = await asyncio.gather(
            *(store.run(inserting(f"cse/lost-{number}", con="x" * 30_000)) for number in range(10)),
            return_exceptions=True,
        )
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, (allowed, most))
    assert all(isinstance(outcome, Exception) for outcome in outcomes)
    assert await store.read(paths) == KEPT
    await store.run(inserting("cse/first"))
    assert await store.read(paths) == [*KEPT, "cse/first"]


def test_nothing_is_left_where_there_was_no_room_to_begin(file: Path) -> None:
    allowed, most = limits.getrlimit(limits.RLIMIT_FSIZE)
    limits.setrlimit(limits.RLIMIT_FSIZE, (BLOCK, most))
    try:
        refusal(file)
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, (allowed, most))
    assert not file.exists()
    fill(file)
    assert content(file) == KEPT


def test_a_folder_that_is_read_only_is_refused(file: Path) -> None:
    fill(file)
    _lock(file).unlink()
    with read_only(file.parent):
        sentence = refusal(file)
    assert "let the server write to the file and its folder" in sentence


def test_a_file_that_is_read_only_is_refused(file: Path) -> None:
    fill(file)
    with read_only(file):
        sentence = refusal(file)
    assert "let the server write to the file and its folder" in sentence
    assert content(file) == KEPT


def test_what_is_on_a_read_only_medium_can_be_read(file: Path) -> None:
    fill(file)
    with read_only(file, file.parent):
        assert content(file, reads_only=True) == KEPT
    assert sorted(found.name for found in file.parent.iterdir()) == ["cse.sqlite", "cse.sqlite.lock"]


def test_commits_in_a_log_on_a_read_only_medium_are_not_passed_over(file: Path) -> None:
    fill(file, stop=False)
    file.with_name("cse.sqlite-shm").unlink()
    with read_only(file, file.parent):
        assert "copy it with cse.sqlite-wal to a folder that can be written" in refusal(file, reads_only=True)


async def test_a_reader_works_beside_a_server(store: Store, file: Path) -> None:
    reader = new(file)
    await reader.open(reads_only=True)
    assert await reader.read(paths) == KEPT
    await store.run(inserting("cse/later"))
    assert await reader.read(paths) == [*KEPT, "cse/later"]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await reader.read(inserting("cse/not"))
    assert await reader.check() == []
    await reader.close()


def test_a_reader_makes_no_file(file: Path) -> None:
    file.parent.mkdir()
    assert "No such file" in refusal(file, reads_only=True)
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize("damage", ["text", "header", "page", "cut"])
def test_a_damaged_file_is_refused_and_kept(file: Path, damage: str) -> None:
    fill(file)
    data = bytearray(file.read_bytes())
    if damage == "text":
        data[:] = b"something else " * 1000
    elif damage == "header":
        data[:BLOCK] = os.urandom(BLOCK)
    elif damage == "page":
        data[5 * BLOCK : 6 * BLOCK] = bytes(reversed(data[5 * BLOCK : 6 * BLOCK]))
    else:
        del data[len(data) // BLOCK // 2 * BLOCK :]
    file.write_bytes(data)
    assert "it is damaged" in refusal(file)
    assert "put a backup in its place" in refusal(file)
    assert file.read_bytes() == data
    assert len(data) < CHECKED_AT_START


def test_the_file_of_another_program_is_refused_and_kept(file: Path) -> None:
    file.parent.mkdir()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE address (name TEXT)")
    connection.close()
    data = file.read_bytes()
    assert "it is a database of another program; choose another file" in refusal(file)
    assert file.read_bytes() == data


@pytest.mark.parametrize(("stop", "missing"), [(True, False), (False, True), (False, False)])
def test_an_empty_store_does_not_take_the_place_of_one_that_was_used(file: Path, stop: bool, missing: bool) -> None:
    fill(file, stop=stop)
    data = file.read_bytes()
    if missing:
        file.unlink()
    else:
        file.write_bytes(b"")
    assert "it is missing or empty, but it was not: put it back, or a backup" in refusal(file)
    file.write_bytes(data)
    assert content(file) == KEPT


def test_who_removes_the_file_of_a_store_that_was_closed_begins_anew(file: Path) -> None:
    fill(file)
    file.unlink()
    assert content(file) == []


def test_who_deletes_everything_begins_anew(file: Path) -> None:
    fill(file)
    for found in file.parent.iterdir():
        found.unlink()
    assert content(file) == []


def test_last_commits_that_are_missing_are_missed(file: Path) -> None:
    fill(file, stop=False)
    log = _log(file).read_bytes()
    _log(file).unlink()
    sentence = refusal(file)
    assert "cse.sqlite-wal with its last commits is missing; put it back" in sentence
    assert "remove cse.sqlite.unfinished to go on without" in sentence
    _log(file).write_bytes(log)
    assert content(file) == KEPT


def test_a_backup_takes_the_place_of_what_was_lost(file: Path) -> None:
    fill(file)
    backup = file.read_bytes()
    file.unlink()
    _lock(file).unlink()
    fill(file, stop=False)
    for found in (_log(file), file.with_name("cse.sqlite.unfinished")):
        found.unlink()
    file.write_bytes(backup)
    assert content(file) == KEPT


def _log(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def _lock(file: Path) -> Path:
    return file.with_name(f"{file.name}.lock")
