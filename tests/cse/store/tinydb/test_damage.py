"""What is damaged is refused, with the line where it is; nothing is lost silently, and nothing is changed."""

import asyncio
from pathlib import Path

import pytest

from cse.config import ConfigurationError
from cse.store.tinydb.storage import JournalStorage
from tests.cse.store.tinydb.samples import (
    after,
    content,
    journals,
    leave_behind,
    opened,
    refusal,
    rewrite,
    step,
    without,
)

STEPS = 4


@pytest.fixture
async def journal(file: Path) -> Path:
    """Four commits, none of them in the snapshot."""
    await leave_behind(file, STEPS)
    return journals(file)[0]


@pytest.fixture
async def snapshot(file: Path) -> Path:
    """Four commits, all of them in the snapshot."""
    async with opened(file) as store:
        for number in range(STEPS):
            await store.run(step(number))
    assert journals(file) == []
    return file


def damages(file: Path, untouched: int = 0) -> None:
    """Every byte but some at the end is damaged in turn: each time the file and the line are named."""
    complete = file.read_bytes()
    for position in range(len(complete) - untouched):
        damaged = bytearray(complete)
        damaged[position] ^= 1
        file.write_bytes(damaged)
        line = complete.count(b"\n", 0, position) + 1
        with pytest.raises(ConfigurationError) as caught:
            JournalStorage(file.with_name("cse.json")).open()
        named = str(caught.value).removeprefix(f"{file}, line ")
        assert line <= int(named.partition(":")[0]) <= line + 2, (position, named)
        assert file.read_bytes() == damaged
    file.write_bytes(complete)


async def test_any_byte_of_the_journal(journal: Path) -> None:
    damages(journal, untouched=1)  # without its last byte the last commit would be a torn one
    assert await content(journal.with_name("cse.json")) == after(STEPS)


async def test_any_byte_of_the_snapshot(snapshot: Path) -> None:
    damages(snapshot)
    assert await content(snapshot) == after(STEPS)


@pytest.mark.parametrize(
    ("line", "why"),
    [(0, "line 1: commit 1 is missing"), (2, "line 3: commit 3 is missing")],
)
async def test_a_missing_commit(file: Path, journal: Path, line: int, why: str) -> None:
    rewrite(journal, without(line))
    assert await refusal(file) == f"store in [server]: cannot use {file}: {journal}, {why}"


async def test_a_missing_document(snapshot: Path) -> None:
    rewrite(snapshot, without(3))
    assert "6 documents were written, 5 are there" in await refusal(snapshot)


def test_a_missing_snapshot(file: Path, journal: Path) -> None:
    file.unlink()
    assert "No such file" in asyncio.run(refusal(file))
    assert journal.exists()
    assert not file.exists()


def test_a_missing_part_of_the_journal(file: Path, journal: Path) -> None:
    journal.rename(journal.with_name(f"{file.name}.journal-3"))
    assert "line 1: commit 1 is missing: an earlier file is gone" in asyncio.run(refusal(file))


@pytest.mark.parametrize("text", ["", "{}", '{"resource": {"1": {"path": "cse"}}}\n', "something else\n"])
def test_a_file_of_another_program(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    assert f"{file}, line " in asyncio.run(refusal(file))
    assert file.read_text() == text


async def test_another_version_of_the_format(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cse.store.tinydb.snapshot.VERSION", 2)
    assert "this is version 1 of the format, this server reads 2" in await refusal(snapshot)


async def test_what_may_be_the_power_s_fault_says_so(file: Path, journal: Path) -> None:
    rewrite(journal, lambda lines: [*lines[:-1], lines[-1][:-40] + bytes(20) + lines[-1][-20:]])
    assert "line 4: the commit is not as it was written (if the power failed meanwhile" in await refusal(file)


async def test_check_finds_what_has_changed_since(file: Path) -> None:
    async with opened(file) as store:
        await store.run(step(0))
        (journal,) = journals(file)
        rewrite(journal, lambda lines: [lines[0].replace(b"twin", b"twig")])
        (found,) = await store.check()
        assert found.startswith(f"{journal}, line 1: the commit is not as it was written")
        rewrite(journal, lambda lines: [lines[0].replace(b"twig", b"twin")])
        assert await store.check() == []
        rewrite(journal, without(0))
        assert await store.check() == ["the documents of the table resource are not those in the file"]
