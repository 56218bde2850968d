"""Requests of groups that come in again because their sender has not got the answer: they are carried out once.

The sender of a fan-out repeats what was not answered, with the same request identifier. What it repeats may have been
done, and doing it twice may not be the same as once.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from cse.pieces import Pieces
from cse.primitive import Content, Operation, Request, Response
from cse.timing import Clock

MOST_BYTES = 32 * 1024 * 1024
OVERHEAD = 1024
NOTHING_DONE = {4005, 4008, 5103}  # too much is under way, too late, not reachable

Key = tuple[str, str, str, int, str]


@dataclass(slots=True)
class _Known:
    """`answer` may still be on its way."""

    answer: "asyncio.Task[Response]"
    until: float
    size: int = OVERHEAD


class Repeats:
    """The answers to requests that have come through a group elsewhere; the oldest go when they take too much."""

    def __init__(self, clock: Clock, most: int = MOST_BYTES) -> None:
        self._clock = clock
        self._most = most
        self._known: OrderedDict[Key, _Known] = OrderedDict()
        self._size = 0

    async def once(
        self, request: Request, until: float, carry_out: Callable[[], Coroutine[Any, Any, Response]]
    ) -> Response:
        """What `carry_out` returns; for a repetition before `until`, what it returned the first time."""
        key = (
            request.originator,
            request.request_identifier,
            request.group_request_identifier or "",
            request.operation,
            request.to,
        )
        known = self._known.get(key)
        if known is not None and known.until > self._clock.now():
            return await asyncio.shield(known.answer)
        self._forget(key)
        known = self._known[key] = _Known(asyncio.create_task(carry_out()), until)
        self._size += known.size
        known.answer.add_done_callback(partial(self._weigh, key, known))
        return await known.answer

    def _weigh(self, key: Key, known: _Known, answer: "asyncio.Task[Response]") -> None:
        """An answer that is there is kept, unless it says that nothing has been done, which may be tried again."""
        if self._known.get(key) is not known:
            return
        if answer.cancelled() or answer.exception() or answer.result().status_code in NOTHING_DONE:
            self._forget(key)
            return
        size = _size(answer.result().content)
        known.size += size
        self._size += size
        while self._size > self._most:
            self._forget(next(iter(self._known)))

    def _forget(self, key: Key) -> None:
        known = self._known.pop(key, None)
        self._size -= 0 if known is None else known.size


def _size(content: Content) -> int:
    if content is None:
        return 0
    return len(content if isinstance(content, Pieces) else orjson.dumps(content))


def concern(request: Request, *, fans_out: bool) -> bool:
    """Whether it comes through a group elsewhere, and being carried out twice could make a difference."""
    return request.group_request_identifier is not None and (fans_out or request.operation is not Operation.RETRIEVE)
