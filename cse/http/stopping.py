"""Requests that are under way when the server stops: they have a while to end, and then get an answer all the same."""

import asyncio
from types import TracebackType

from cse.errors import RequestTimeout


class Room:
    """Around a part of a request, in its task: RequestTimeout in there from the moment on when the room is closed."""

    def __init__(self) -> None:
        self._is_closed = False
        self._tasks: set[asyncio.Task[None] | None] = set()

    def __enter__(self) -> None:
        if self._is_closed:
            raise _explanation()
        self._tasks.add(asyncio.current_task())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task = asyncio.current_task()
        self._tasks.discard(task)
        if self._is_closed and task is not None and isinstance(error, asyncio.CancelledError):
            task.uncancel()
            raise _explanation() from None

    def close(self) -> None:
        """Let nobody in any more, and nobody stay."""
        self._is_closed = True
        for task in filter(None, list(self._tasks)):
            task.cancel()


class Stopping:
    """`waiting` is around a poll, `working` around all of a request.

    `begin` answers those who only wait for others, `end` everybody else as well.
    """

    def __init__(self) -> None:
        self.waiting = Room()
        self.working = Room()

    def begin(self) -> None:
        """Nothing new is waited for."""
        self.waiting.close()

    def end(self) -> None:
        """Nothing at all."""
        self.working.close()


def _explanation() -> RequestTimeout:
    return RequestTimeout("the server stops, and did not wait for the end of this request: ask again when it is back")
