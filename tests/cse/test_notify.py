"""Notifications: two attempts, patience with silent targets that harms nobody else, and questions."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from cse.consent import Question
from cse.errors import BadRequest, NotFound, TargetNotReachable
from cse.notification import Outgoing
from cse.notify import LONGEST_BACKLOG, Notifier
from cse.primitive import Response
from cse.store import Effect
from cse.testing.clock import ManualClock
from tests.cse.fanout.scenario import eventually, scenario


@dataclass
class Line:
    """Instead of the exchange: remembers what was sent to whom, and answers unless a target is silent."""

    silent: set[str] = field(default_factory=set)
    sent: list[tuple[str, Any, bool]] = field(default_factory=list)
    status_code: int = 2000
    held: asyncio.Event | None = None

    async def notify(self, outgoing: Outgoing, *, answer_matters: bool = True) -> Response:
        self.sent.append((outgoing.target, outgoing.content, answer_matters))
        if outgoing.target in self.silent:
            if self.held is not None:
                await self.held.wait()
            raise TargetNotReachable(f"{outgoing.target} is silent")
        return Response(self.status_code)


@dataclass
class Desk:
    """A notifier with its line and its clock."""

    notifier: Notifier
    line: Line
    clock: ManualClock

    async def send(self, target: str, content: Any = "news", age: float = 0.0) -> None:
        created = self.clock.now() - age
        document = {"target": target, "content": content, "created": created}
        task = asyncio.create_task(self.notifier.send(Effect(1, "notification", document)))
        while not task.done():
            await self.clock.advance(0.5)
        await task


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with scenario(parallel_notifications=4) as city:
        line = Line()
        yield Desk(Notifier(city.server.core, line), line, city.clock)  # type: ignore[arg-type]


async def test_the_answer_to_an_event_does_not_matter_and_that_to_a_question_does(desk: Desk) -> None:
    await desk.send("Capp")
    await desk.notifier.ask(Question("key", "Capp", "may I?", NotFound, BadRequest))
    assert desk.line.sent == [("Capp", "news", False), ("Capp", "may I?", True)]


async def test_a_silent_target_is_tried_twice_and_the_next_time_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.line.silent = {"Csilent"}
    await desk.send("Csilent", "first")
    await desk.send("Csilent", "second")
    desk.line.silent = set()
    await desk.send("Csilent", "third")
    desk.line.silent = {"Csilent"}
    with caplog.at_level(logging.WARNING):
        await desk.send("Csilent", "fourth")
    assert [content for _, content, _ in desk.line.sent] == ["first"] * 2 + ["second", "third"] + ["fourth"] * 2
    assert "notification dropped: Csilent is silent" in caplog.text


async def test_what_has_waited_for_long_is_not_tried_with_a_silent_target(desk: Desk) -> None:
    desk.line.silent = {"Csilent"}
    await desk.send("Csilent", "old", age=2 * LONGEST_BACKLOG)
    await desk.send("Csilent", "old", age=2 * LONGEST_BACKLOG)
    assert len(desk.line.sent) == 2


async def test_silent_targets_leave_slots_for_others(desk: Desk) -> None:
    names = [f"Csilent{number}" for number in range(10)]
    desk.line.silent = set(names)
    for name in names:
        await desk.send(name)
    desk.line.held = asyncio.Event()
    waiting = [asyncio.create_task(desk.send(name)) for name in names]
    desk.line.sent.clear()
    await eventually(lambda: desk.line.sent)
    await desk.send("Capp")
    assert [target for target, _, _ in desk.line.sent][-1] == "Capp"
    assert len(desk.line.sent) == 2
    desk.line.held.set()
    await asyncio.gather(*waiting)


@pytest.mark.parametrize(
    ("silent", "status_code", "error"),
    [({"Capp"}, 2000, NotFound), (set(), 4101, BadRequest), (set(), 5205, BadRequest)],
)
async def test_a_question_without_consent_raises_what_it_says(
    desk: Desk, silent: set[str], status_code: int, error: type[Exception]
) -> None:
    desk.line.silent, desk.line.status_code = silent, status_code
    task = asyncio.create_task(desk.notifier.ask(Question("key", "Capp", "?", NotFound, BadRequest, attempts=3)))
    while not task.done():
        await desk.clock.advance(0.5)
    with pytest.raises(error, match=r"nu: .*Capp"):
        await task
    assert len(desk.line.sent) == (3 if silent else 1)
