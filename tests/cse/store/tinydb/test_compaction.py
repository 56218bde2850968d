"""A journal that has outgrown what it leads to."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cse.store import Store
from cse.store.tinydb import compaction, snapshot
from cse.store.tinydb.snapshot import Content
from tests.cse.store.samples import paths
from tests.cse.store.tinydb.samples import after, content, journals, opened, step

write = snapshot.write


class Held:
    """Snapshots wait until they are let go; some fail then."""

    def __init__(self) -> None:
        self.began, self.go = threading.Event(), threading.Event()
        self.fails = False

    def write(self, content: Content, path: Path) -> None:
        if content.commit:
            self.began.set()
            self.go.wait()
        write(content, path)
        if self.fails:
            raise OSError("No space left on device")

    async def until_it_begins(self, store: Store) -> int:
        """How many steps that takes."""
        number = 0
        while not self.began.is_set():
            await store.run(step(number))
            number += 1
            await asyncio.sleep(0)
        return number


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    made = Held()
    monkeypatch.setattr(compaction, "MINIMUM", 0)
    monkeypatch.setattr(snapshot, "write", made.write)
    yield made
    made.go.set()


def written(file: Path) -> list[bytes]:
    """What is in the journal."""
    return [journal.read_bytes() for journal in journals(file)]


async def steps(store: Store, first: int, count: int) -> None:
    for number in range(first, first + count):
        await store.run(step(number))


async def test_units_and_reads_go_on_meanwhile(store: Store, held: Held, file: Path) -> None:
    done = await held.until_it_begins(store)
    await steps(store, done, 10)
    assert await store.read(paths) == after(done + 10)
    async with opened(file, reads_only=True) as other:
        assert await other.read(paths) == after(done + 10)
        held.go.set()
        await steps(store, done + 10, 10)
        assert await other.read(paths) == after(done + 20)
    await store.close()
    assert await content(file) == after(done + 20)
    assert not any(written(file))


async def test_one_that_fails_leaves_everything_to_the_next(
    store: Store, held: Held, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    held.fails = True
    held.go.set()
    done = await held.until_it_begins(store)
    await steps(store, done, 20)
    await store.close()
    assert any(written(file))
    assert not file.with_name("cse.json.new").exists()
    assert "could not be compacted: No space left on device" in caplog.text
    held.fails = False
    assert await content(file) == after(done + 20)
    assert not any(written(file))


async def test_one_that_cannot_begin_is_tried_again_later(
    store: Store, file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(compaction, "MINIMUM", 0)

    def refuse(path: Path) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("cse.store.tinydb.storage.sync_folder", refuse)
        await steps(store, 0, 30)
    assert 1 <= caplog.text.count("cannot be compacted now: No space left on device") < 10
    await steps(store, 30, 70)
    assert await store.read(paths) == after(100)
    await store.close()
    assert await content(file) == after(100)


async def test_a_small_journal_is_left_alone(store: Store, file: Path) -> None:
    await steps(store, 0, 20)
    (journal,) = journals(file)
    assert journal.name == "cse.json.journal-1"


async def test_what_was_left_unfinished_is_removed(file: Path) -> None:
    async with opened(file) as store:
        await store.run(step(0))
    unfinished = file.with_name("cse.json.new")
    await asyncio.to_thread(unfinished.write_text, "half of a snapshot")
    assert await content(file) == after(1)
    assert not await asyncio.to_thread(unfinished.exists)


async def test_files_keep_their_permissions(store: Store, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "MINIMUM", 0)
    await asyncio.to_thread(file.chmod, 0o600)
    await steps(store, 0, 20)
    modes = [path.stat().st_mode & 0o777 for path in [file, journals(file)[-1]]]
    assert modes == [0o600, 0o600]
