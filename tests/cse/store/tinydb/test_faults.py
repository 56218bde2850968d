"""The disk is full or broken, the folder is read-only, another server is there."""

import asyncio
import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cse.store import Store
from cse.store.worker import TransactionLost
from tests.cse.store.samples import paths
from tests.cse.store.tinydb.samples import after, content, journals, opened, refusal, rewrite, step, store_in


class Faults:
    """Lets system calls fail while their names are in `failing`; a write has written something then."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.failing: set[str] = set()
        self._write = os.write
        for name in ("fsync", "ftruncate", "replace", "unlink"):
            patch.setattr(os, name, self._wrapped(name, getattr(os, name)))
        patch.setattr(os, "write", self._wrapped("write", os.write, self._some))

    def _wrapped(self, name: str, call: Callable[..., Any], first: Callable[..., Any] | None = None) -> Any:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            if name not in self.failing:
                return call(*arguments, **options)
            if first is not None:
                first(*arguments)
            raise OSError(errno.ENOSPC, "No space left on device")

        return wrapper

    def _some(self, file: int, data: Any) -> None:
        self._write(file, data[: len(data) // 2])


@pytest.fixture
def faults() -> Iterator[Faults]:
    with pytest.MonkeyPatch.context() as patch:
        yield Faults(patch)


@pytest.mark.parametrize("calls", [{"write"}, {"fsync"}, {"write", "ftruncate"}, {"fsync", "ftruncate"}])
async def test_a_commit_that_fails_leaves_nothing_and_the_next_one_succeeds(
    store: Store, file: Path, faults: Faults, calls: set[str]
) -> None:
    await store.run(step(0))
    for _ in range(2):
        faults.failing = set(calls)
        outcomes = await asyncio.gather(*(store.run(step(number)) for number in (1, 2)), return_exceptions=True)
        assert [str(outcome) for outcome in outcomes] == ["[Errno 28] No space left on device"] * 2
        assert await store.read(paths) == after(1)
        faults.failing = set()
    await store.run(step(1))
    assert await store.read(paths) == after(2)
    assert await store.check() == []
    await store.close()
    assert await content(file) == after(2)


async def test_reads_go_on_while_the_disk_is_full(store: Store, faults: Faults) -> None:
    await store.run(step(0))
    faults.failing = {"write"}
    units = [store.run(step(1)), store.read(paths), store.run(step(2)), store.read(paths)]
    outcomes = await asyncio.gather(*units, return_exceptions=True)
    assert outcomes[1] == outcomes[3] == after(1)
    assert isinstance(outcomes[0], TransactionLost)
    assert isinstance(outcomes[2], TransactionLost)
    faults.failing = set()


async def test_what_was_torn_off_and_could_not_be_cut_is_cut_at_the_end(file: Path, faults: Faults) -> None:
    async with opened(file) as store:
        await store.run(step(0))
        faults.failing = {"fsync", "ftruncate"}
        with pytest.raises(TransactionLost, match="No space"):
            await store.run(step(1))
        faults.failing = {"replace"}
    faults.failing = set()
    assert len(journals(file)) == 1
    assert await content(file) == after(1)


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "unlink"])
async def test_a_compaction_at_the_end_that_fails_loses_nothing(file: Path, faults: Faults, call: str) -> None:
    async with opened(file) as store:
        for number in range(3):
            await store.run(step(number))
        faults.failing = {call}
    faults.failing = set()
    assert await content(file) == after(3)


async def test_a_second_server_is_refused_until_the_first_closes(store: Store, file: Path) -> None:
    assert await refusal(file) == (
        f"store in [server]: cannot use {file}: another server has it open; stop that one or choose another file"
    )
    await store.run(step(0))
    await store.close()
    assert await content(file) == after(1)


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    assert "cannot use" in await refusal(tmp_path / "file" / "data" / "cse.json")


async def test_reading_needs_no_right_to_write(file: Path, faults: Faults) -> None:
    async with opened(file) as store:
        await store.run(step(0))
    with read_only(file.parent):
        faults.failing = {"write", "fsync", "ftruncate", "replace", "unlink"}
        async with opened(file, reads_only=True) as reading:
            assert await reading.read(paths) == after(1)


async def test_a_torn_commit_is_left_alone_by_who_only_reads(file: Path) -> None:
    async with opened(file) as store:
        await store.run(step(0))
        (journal,) = journals(file)
        rewrite(journal, lambda lines: [*lines, b'{"checksum":"'])
        async with opened(file, reads_only=True) as reading:
            assert await reading.read(paths) == after(1)
        rewrite(journal, lambda lines: lines[: lines.index(b'{"checksum":"')])


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        yield
    finally:
        folder.chmod(stat.S_IRWXU)


async def test_a_folder_in_which_nothing_can_be_made(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # root may write into a folder that is read-only
    assert await refusal(file) == f"store in [server]: cannot use {file}: [Errno 13] Permission denied"


async def test_who_only_reads_needs_a_store(file: Path) -> None:
    with pytest.raises(Exception, match=r"cannot use .*cse\.json: .*No such file"):
        await store_in(file).open(reads_only=True)
