"""Requests that are under way when the server stops: they have a while to end, and then get an answer all the same."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from cse.errors import RequestTimeout


class Stopping:
    """`begin` answers those who only wait for others, `end` everybody else as well."""

    def __init__(self) -> None:
        self._has_begun = False
        self._is_over = False
        self._waiting: set[asyncio.Task[None]] = set()
        self._working: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Nothing new is waited for."""
        self._has_begun = True
        _cancel(self._waiting)

    def end(self) -> None:
        """Nothing at all."""
        self._is_over = True
        _cancel(self._working)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around a poll, in the task of the request; RequestTimeout when the server begins to stop."""
        with self._entered(self._waiting):
            if self._has_begun:
                raise _explanation()
            try:
                yield
            except asyncio.CancelledError:
                raise self._reason(self._has_begun) from None

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around all of a request, in its task; RequestTimeout when the server does not wait for it any longer."""
        with self._entered(self._working):
            try:
                yield
            except asyncio.CancelledError:
                raise self._reason(self._is_over) from None

    @contextmanager
    def _entered(self, tasks: set[asyncio.Task[None]]) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            yield
        finally:
            tasks.discard(task)

    def _reason(self, stops: bool) -> BaseException:
        """Why a task has been cancelled: because of us, or of somebody else."""
        task = asyncio.current_task()
        if not stops or task is None:
            return asyncio.CancelledError()
        task.uncancel()
        return _explanation()


def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    for task in list(tasks):
        task.cancel()


def _explanation() -> RequestTimeout:
    return RequestTimeout("the server stops, and did not wait for the end of this request: ask again when it is back")
