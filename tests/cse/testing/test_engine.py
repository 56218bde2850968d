import asyncio

import pytest

from cse.network import Discard
from cse.primitive import OK, Operation, Request, Response
from cse.testing.engine import RecordingEngine

REQUEST = Request(Operation.CREATE, "cse-in/meter", "Cmeter", "r-1")


async def test_answers_are_awaited() -> None:
    engine = RecordingEngine()
    waiting = asyncio.create_task(engine.answered(2))
    await asyncio.sleep(0)
    engine.answer("r-1", "Cmeter1", Response(OK), "loopback")
    await asyncio.sleep(0)
    assert not waiting.done()
    engine.answer("r-1", "Cmeter2", Response(OK), "loopback")
    assert [answer.originator for answer in await waiting] == ["Cmeter1", "Cmeter2"]


async def test_waiting_for_what_does_not_come_ends() -> None:
    with pytest.raises(TimeoutError):
        await RecordingEngine().answered(1, seconds=0)


async def test_discards_are_counted() -> None:
    engine = RecordingEngine()
    engine.discard("r-1", Discard.LATE)
    engine.discard("r-2", Discard.LATE, 3)
    await engine.until(lambda: engine.discards[Discard.LATE] == 4)


async def test_requests_on_the_tree_are_answered_as_told() -> None:
    engine = RecordingEngine(respond=lambda request: Response(4004))
    assert await engine.request(REQUEST) == Response(4004)
    assert engine.requests == [REQUEST]


def test_documents_survive_a_restart_of_the_network() -> None:
    engine = RecordingEngine()
    engine.documents("pigeons").insert({"counter": 1})
    assert engine.documents("pigeons").all() == [{"counter": 1}]
    assert engine.documents("others").all() == []


@pytest.mark.parametrize(
    ("address", "allowed"), [("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("::ffff:10.0.0.1", False)]
)
def test_only_loopback_is_allowed_at_first(address: str, allowed: bool) -> None:
    assert RecordingEngine().allows(address) is allowed
