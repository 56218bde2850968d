"""What a group elsewhere sends again is carried out once."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from cse.primitive import Operation, Request, Response
from cse.repeats import OVERHEAD, Repeats, concern
from cse.testing.clock import ManualClock

REQUEST = Request(Operation.CREATE, "cse-in/a", "/id-mn/Ca", "r", group_request_identifier="g")


class Carrying:
    """Carries out requests and counts them."""

    def __init__(self, status_code: int = 2001, content: Any = None) -> None:
        self.count = 0
        self.released = asyncio.Event()
        self._response = Response(status_code, content)

    def __call__(self) -> Coroutine[Any, Any, Response]:
        return self._carry_out()

    async def _carry_out(self) -> Response:
        self.count += 1
        await self.released.wait()
        return self._response


@pytest.mark.parametrize(
    ("operation", "identifier", "fans_out", "concerned"),
    [
        (Operation.CREATE, "g", False, True),
        (Operation.CREATE, None, False, False),
        (Operation.RETRIEVE, "g", False, False),
        (Operation.RETRIEVE, "g", True, True),
    ],
)
def test_which_requests(operation: Operation, identifier: str | None, fans_out: bool, concerned: bool) -> None:
    request = REQUEST.derive(operation=operation, group_request_identifier=identifier)
    assert concern(request, fans_out=fans_out) is concerned


async def test_a_repetition_waits_for_the_first_one_and_gets_its_answer() -> None:
    repeats, carrying = Repeats(ManualClock()), Carrying()
    asked = [asyncio.create_task(repeats.once(REQUEST, 2e9, carrying)) for _ in range(3)]
    await asyncio.sleep(0)
    carrying.released.set()
    assert await asyncio.gather(*asked) == [Response(2001)] * 3
    assert await repeats.once(REQUEST, 2e9, carrying) == Response(2001)
    assert carrying.count == 1


@pytest.mark.parametrize(
    "other",
    [
        {"originator": "/id-mn/Cb"},
        {"request_identifier": "s"},
        {"group_request_identifier": "h"},
        {"to": "cse-in/b"},
        {"operation": Operation.UPDATE},
    ],
)
async def test_another_request_is_another_one(other: dict[str, Any]) -> None:
    await assert_carried_out_again(Carrying(), lambda repeats: None, **other)


async def test_what_has_not_been_done_can_be_tried_again() -> None:
    await assert_carried_out_again(Carrying(4005), lambda repeats: None)


async def assert_carried_out_again(carrying: Carrying, between: Callable[[Repeats], None], **other: Any) -> None:
    repeats = Repeats(ManualClock())
    carrying.released.set()
    await repeats.once(REQUEST, 2e9, carrying)
    between(repeats)
    await repeats.once(REQUEST.derive(**other), 2e9, carrying)
    assert carrying.count == 2


async def test_an_answer_is_kept_as_long_as_the_request_may_come_again() -> None:
    clock = ManualClock()
    repeats, carrying = Repeats(clock), Carrying()
    carrying.released.set()
    for seconds, count in ((0.0, 1), (9.0, 1), (2.0, 2)):
        await clock.advance(seconds)
        await repeats.once(REQUEST, clock.now() + 10 if count > 1 or not seconds else 0.0, carrying)
        assert carrying.count == count


async def test_memory_is_bounded() -> None:
    repeats = Repeats(ManualClock(), most=OVERHEAD * 6)
    large, small = Carrying(content={"con": "x" * OVERHEAD * 4}), Carrying()
    large.released.set()
    small.released.set()
    await repeats.once(REQUEST.derive(request_identifier="small"), 2e9, small)
    await repeats.once(REQUEST, 2e9, large)
    await repeats.once(REQUEST, 2e9, large)
    assert (small.count, large.count) == (1, 1)
    await repeats.once(REQUEST.derive(request_identifier="small"), 2e9, small)
    await repeats.once(REQUEST, 2e9, large)
    assert (small.count, large.count) == (2, 2)


async def test_a_failure_that_nobody_foresaw_is_not_kept() -> None:
    repeats = Repeats(ManualClock())

    async def fails() -> Response:
        raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await repeats.once(REQUEST, 2e9, fails)
