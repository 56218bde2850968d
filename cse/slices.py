"""Long work in short pieces, so that a campaign to 100,000 members does not stop everybody else's requests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

SLICE = 1000


async def in_slices(items: Iterable[T]) -> AsyncIterator[T]:
    """The same items; other tasks have their turn now and then, so that anything may have changed in between."""
    for index, item in enumerate(items, 1):
        yield item
        if index % SLICE == 0:
            await asyncio.sleep(0)


async def give_way() -> None:
    """Let everything that is ready have its turn: one round of the loop is for what has become ready before us."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def aside(size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of a function without side effects: computed in a thread if it concerns more than a slice."""
    if size <= SLICE:
        return function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)
