"""Deadlines that move, in a time that is told here."""

import asyncio
from collections.abc import Callable
from typing import Any

from cse.http.deadline import Deadline


class Loop(asyncio.AbstractEventLoop):
    """As much of an event loop as a timer needs."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[tuple[float, asyncio.TimerHandle]] = []

    def time(self) -> float:
        return self.now

    def get_debug(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Called by the handle."""

    def call_later(
        self, delay: float, callback: Callable[..., Any], *arguments: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(self.now + delay, callback, arguments, self, context)
        self._timers.append((self.now + delay, handle))
        return handle

    def advance(self, moment: float) -> None:
        while due := [timer for timer in self._timers if timer[0] <= moment and not timer[1].cancelled()]:
            timer = min(due, key=lambda timer: timer[0])
            self._timers.remove(timer)
            self.now = timer[0]
            timer[1]._run()
        self.now = moment


def passing() -> tuple[Loop, Deadline, list[float]]:
    """A deadline, and the moments when it has passed."""
    loop = Loop()
    moments: list[float] = []
    return loop, Deadline(loop, 5.0, lambda: moments.append(loop.now)), moments


def test_a_deadline_passes_when_it_is_due_and_once() -> None:
    loop, deadline, passed = passing()
    deadline.set(60.0)
    loop.advance(200.0)
    assert passed == [60.0]


def test_a_deadline_that_moves_is_neither_early_nor_late() -> None:
    loop, deadline, passed = passing()
    for moment in range(1, 30):
        loop.advance(float(moment))
        deadline.set(60.0 if moment % 2 else 5.0)
    deadline.set(5.0)
    loop.advance(100.0)
    assert passed == [34.0]


def test_what_is_cleared_does_not_pass() -> None:
    loop, deadline, passed = passing()
    deadline.set(7.0)
    loop.advance(6.0)
    deadline.clear()
    loop.advance(100.0)
    deadline.set(10.0)
    deadline.stop()
    loop.advance(200.0)
    assert passed == []


def test_who_is_told_may_set_it_again() -> None:
    loop, deadline, passed = passing()
    again = Deadline(loop, 5.0, lambda: passed.append(loop.now) or again.set(5.0))  # type: ignore[func-returns-value]
    again.set(5.0)
    loop.advance(16.0)
    assert passed == [5.0, 10.0, 15.0]
    deadline.stop()
