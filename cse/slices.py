"""Long work in short pieces, so that a campaign to 100,000 members does not stop everybody else's requests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from itertools import islice
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

SLICE = 250  # items that take up to twenty microseconds each
FEW = 10  # of what is much more work, such as sending something


async def in_slices(items: Iterable[T], size: int = SLICE) -> AsyncIterator[T]:
    """The same items; other tasks have their turn after every `size`, so that anything may have changed in between."""
    for index, item in enumerate(items, 1):
        yield item
        if index % size == 0:
            await asyncio.sleep(0)


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The same items in lists, each of this size but the last one."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


async def let_go(*collections: list[Any] | dict[Any, Any]) -> None:
    """Empty these: the last reference to a million objects, dropped at once, would stop everybody for a while."""
    for collection in collections:
        drop = collection.popitem if isinstance(collection, dict) else collection.pop
        async for _ in in_slices(range(len(collection))):
            drop()


async def aside(size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of a function without side effects: computed in a thread if it concerns more than a slice."""
    if size <= SLICE:
        return function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)


async def work_off(items: Iterable[T], work: Callable[[T], Awaitable[None]], parallel: int) -> None:
    """Do the work for every item, at most so many at the same time."""
    remaining = iter(items)

    async def worker() -> None:
        for item in remaining:
            await work(item)

    async with asyncio.TaskGroup() as workers:
        async for _ in in_slices(range(parallel), FEW):
            workers.create_task(worker())
