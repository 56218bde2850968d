import asyncio
import logging

import pytest

from cse.errors import NotFound
from cse.primitive import CREATED, Request, Response, error_response
from cse.testing.clock import settle
from cse.testing.engine import RecordingEngine
from plugins.lora_broadcast import readings
from plugins.lora_broadcast.readings import Reading, ReadingStore


def test_a_reading_is_a_content_instance_of_its_ae() -> None:
    request = Reading("Cmeter1", "x1", {"wh": 12}).request()
    assert (request.to, request.originator, request.request_identifier) == ("Cmeter1/readings", "Cmeter1", "x1")
    assert request.content == {"m2m:cin": {"cnf": "application/json:0", "con": '{"wh":12}'}}


async def stored(engine: RecordingEngine, count: int) -> ReadingStore:
    """A store after so many readings have been put in and worked off."""
    store = ReadingStore(engine, 2)
    for number in range(count):
        store.put(Reading("Cmeter1", f"x{number}", number))
    await settle()
    await store.stop()
    return store


async def test_refused_readings_are_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    engine = RecordingEngine(respond=lambda request: error_response(NotFound.status_code, "no such container"))
    store = await stored(engine, 3)
    assert store.refused == 3
    assert "x0 of Cmeter1 is lost: 4004" in caplog.text


async def test_an_engine_that_fails_does_not_end_the_workers(caplog: pytest.LogCaptureFixture) -> None:
    def respond(request: Request) -> Response:
        if request.request_identifier != "x4":
            raise RuntimeError("the tree burns")
        return Response(CREATED)

    store = await stored(RecordingEngine(respond=respond), 5)
    assert store.refused == 4
    assert caplog.records[0].levelno == logging.ERROR


async def test_what_finds_no_place_in_the_queue_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "MOST_WAITING", 5)
    engine = RecordingEngine()
    store = await stored(engine, 8)
    assert store.refused == 3
    assert len(engine.requests) == 5


async def test_stopping_ends_the_workers() -> None:
    before = asyncio.all_tasks()
    store = ReadingStore(RecordingEngine(), 3)
    assert len(asyncio.all_tasks()) == len(before) + 3
    await store.stop()
    assert asyncio.all_tasks() == before
