"""Work in processes of its own, so that it has a core and a heap of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


async def in_same_process(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a function returns there. It is always the same process, which waits meanwhile and costs nothing."""
    return await _submitted(_lasting(), function, *args, **kwargs)


async def in_fresh_process(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same in a process that has done nothing before."""
    with _new() as pool:
        return await _submitted(pool, function, *args, **kwargs)


async def _submitted(pool: ProcessPoolExecutor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.wrap_future(pool.submit(function, *args, **kwargs))


@cache
def _lasting() -> ProcessPoolExecutor:
    return _new()


def _new() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))
