"""Notifications: patience with silent targets that harms nobody else, and questions."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from cse.consent import Question
from cse.errors import BadRequest, NotFound, TargetNotReachable
from cse.notification import Outgoing
from cse.notify import Notifier
from cse.outbox.service import Postponed
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

    async def send(self, target: str, content: Any = "news", age: float = 0.0, **more: Any) -> None:
        await self.notifier.send(self.effect(target, content, age, **more))

    async def pause(self, target: str, content: Any = "news", age: float = 0.0) -> float:
        """For how long it is put off."""
        with pytest.raises(Postponed) as raised:
            await self.send(target, content, age)
        return raised.value.seconds

    def effect(self, target: str, content: Any = "news", age: float = 0.0, **more: Any) -> Effect:
        created = self.clock.now() - age
        return Effect(1, "notification", {"target": target, "content": content, "created": created, **more})


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with scenario(parallel_notifications=4, notification_backoff_limit=10.0) as city:
        line = Line()
        yield Desk(Notifier(city.server.core, line), line, city.clock)  # type: ignore[arg-type]


async def test_the_answer_to_an_event_does_not_matter_and_that_to_a_question_does(desk: Desk) -> None:
    await desk.send("Capp")
    await desk.notifier.ask(Question("key", "Capp", "may I?", NotFound, BadRequest))
    assert desk.line.sent == [("Capp", "news", False), ("Capp", "may I?", True)]


async def test_the_pauses_for_a_silent_target_grow_until_it_answers(desk: Desk) -> None:
    desk.line.silent = {"Csilent"}
    assert [await desk.pause("Csilent") for _ in range(6)] == [1, 2, 4, 8, 10, 10]
    desk.line.silent = set()
    await desk.send("Csilent")
    desk.line.silent = {"Csilent"}
    assert await desk.pause("Csilent") == 1


async def test_what_is_too_old_is_dropped_without_another_attempt(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.line.silent = {"Csilent"}
    await desk.pause("Csilent", "after a long stop of the server", age=1000)
    for _ in range(3):
        await desk.send("Csilent", "too old", age=301)
    await desk.pause("Csilent", "not too old", age=299)
    assert [content for _, content, _ in desk.line.sent] == ["after a long stop of the server", "not too old"]
    assert desk.notifier.dropped == 3
    assert [record.getMessage() for record in caplog.records] == [
        "notification to Csilent dropped: it can't be reached"
    ]


async def test_what_has_waited_goes_with_its_source(desk: Desk) -> None:
    await desk.send("Csilent", "before anybody is silent", source="gone", reported=False)
    desk.line.silent = {"Csilent"}
    await desk.pause("Csilent", "first")
    await desk.send("Csilent", "second", source="gone")
    assert [content for _, content, _ in desk.line.sent] == ["before anybody is silent", "first"]
    assert desk.notifier.dropped == 0


async def test_what_its_source_keeps_is_tried_once(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Here the source is no subscription, and keeps nothing."""
    desk.line.silent = {"Csilent"}
    base = {"source": "id-in", "returns": True}
    for _ in range(2):
        await desk.send("Csilent", age=1000, **base)
    assert len(desk.line.sent) == 2
    assert desk.notifier.dropped == 2


async def test_an_answer_to_a_question_ends_the_silence(desk: Desk) -> None:
    desk.line.silent = {"Csilent"}
    assert [await desk.pause("Csilent") for _ in range(2)] == [1, 2]
    desk.line.silent = set()
    await desk.notifier.ask(Question("key", "Csilent", "may I?", NotFound, BadRequest))
    desk.line.silent = {"Csilent"}
    assert await desk.pause("Csilent") == 1


async def test_a_refusal_is_a_response(desk: Desk) -> None:
    desk.line.status_code = 4103
    await desk.send("Capp")
    assert len(desk.line.sent) == 1
    assert desk.notifier.dropped == 0


async def test_silent_targets_leave_slots_for_others(desk: Desk) -> None:
    names = [f"Csilent{number}" for number in range(10)]
    desk.line.silent = set(names)
    for name in names:
        await desk.pause(name)
    desk.line.held = asyncio.Event()
    waiting = [asyncio.create_task(desk.pause(name)) for name in names]
    desk.line.sent.clear()
    await eventually(lambda: desk.line.sent)
    await desk.send("Capp")
    assert [target for target, _, _ in desk.line.sent][-1] == "Capp"
    assert len(desk.line.sent) == 2
    desk.line.held.set()
    assert set(await asyncio.gather(*waiting)) == {2}


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
