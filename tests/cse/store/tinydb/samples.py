"""A history of units of which each can be told from the others, and from half of itself."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cse.config import ConfigurationError
from cse.store import Store, Transaction, Unit
from cse.store.opening import open_store
from tests.cse.store.samples import inserting, paths, resource

KEPT = 3  # pairs that are there at a time


def store_in(file: Path) -> Store:
    return open_store(f"tinydb:///{file}", file.parent)


@asynccontextmanager
async def opened(file: Path, *, reads_only: bool = False) -> AsyncIterator[Store]:
    store = store_in(file)
    await store.open(reads_only=reads_only)
    try:
        yield store
    finally:
        await store.close()


def step(number: int) -> Unit[None]:
    """Add a pair, and remove the oldest one as soon as there are too many."""

    def unit(transaction: Transaction) -> None:
        inserting(f"cse/{number}", f"cse/{number}-twin", lbl=["pair"])(transaction)
        for path in pair(number - KEPT):
            transaction.resources.remove(resource(path))

    return unit


def pair(number: int) -> list[str]:
    return [f"cse/{number}", f"cse/{number}-twin"]


def after(steps: int) -> list[str]:
    """What is there after so many steps."""
    return [path for number in range(max(0, steps - KEPT), steps) for path in pair(number)]


def journals(file: Path) -> list[Path]:
    """Oldest first."""
    found = file.parent.glob(f"{file.name}.journal-*")
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))


async def content(file: Path) -> list[str]:
    """The paths in a store that is opened for it."""
    async with opened(file) as store:
        assert await store.check() == []
        return await store.read(paths)


async def leave_behind(file: Path, steps: int) -> None:
    """A store as a process leaves it that is killed after so many steps."""
    elsewhere = file.parent.with_name("killed") / file.name
    async with opened(elsewhere) as store:
        for number in range(steps):
            await store.run(step(number))
        file.parent.mkdir()
        for path in elsewhere.parent.iterdir():
            (file.parent / path.name).write_bytes(path.read_bytes())


async def refusal(file: Path) -> str:
    """Why a store is not opened."""
    with pytest.raises(ConfigurationError) as caught:
        await store_in(file).open()
    return str(caught.value)


def rewrite(file: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the lines of a file."""
    file.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))


def without(number: int) -> Callable[[list[bytes]], list[bytes]]:
    """Leave out one line."""
    return lambda lines: lines[:number] + lines[number + 1 :]
