from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tinydb import where

from cse import registry
from cse.cluster.switchboard import Switchboard
from cse.config import ServerSettings
from cse.core import Core
from cse.door import Door
from cse.network import Discard
from cse.primitive import OK, Operation, Request, Response
from cse.store import Store
from cse.store.opening import open_store
from cse.testing.clock import ManualClock


class Receiver:
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, Response, str]] = []
        self.discards: list[tuple[Discard, int]] = []
        self.secured = 0

    def answer(self, originator: str, response: Response, network: str) -> None:
        self.answers.append((originator, response, network))

    def discard(self, reason: Discard, count: int) -> None:
        self.discards.append((reason, count))

    async def secure(self) -> None:
        self.secured += 1


def make_door(store: Store | None = None, **settings: Any) -> Door:
    model = registry.model(registry.load_plugins(), ServerSettings(**settings))
    core = Core(model, store or open_store("memory:"), ManualClock(), {})
    return Door(core, Switchboard(core))


@pytest.fixture
def door() -> Iterator[Door]:
    opened = make_door(allowed_targets=("127.0.0.0/8",))
    yield opened
    opened.close()


def test_an_answer_goes_to_who_waits_for_it(door: Door) -> None:
    first, second = Receiver(), Receiver()
    door.expect("r1", first)
    door.expect("r2", second)
    for originator in ("Cmeter", "/id-in/Cmeter", "//cse.example/id-in/Cmeter", "/other/Cmeter"):
        door.answer("r1", originator, Response(OK, {"a": 1}), "pigeon")
    assert [answer[0] for answer in first.answers] == ["Cmeter", "Cmeter", "Cmeter", "/other/Cmeter"]
    assert first.answers[0][1:] == (Response(OK, {"a": 1}), "pigeon")
    assert second.answers == []


def test_answers_that_nobody_waits_for_are_counted(door: Door) -> None:
    receiver = Receiver()
    door.expect("r1", receiver)
    door.forget("r1")
    door.forget("r1")
    door.answer("r1", "Cmeter", Response(OK), "pigeon")
    door.discard("r1", Discard.MALFORMED, 3)
    assert door.strays == 4
    assert (receiver.answers, receiver.discards) == ([], [])


@pytest.mark.parametrize(
    "response", [Response(0), Response(-2000), Response(10**19), Response(OK, object()), Response(OK, [[[1]]] * 9)]
)
def test_an_answer_that_can_not_be_stored_is_malformed(response: Response) -> None:
    door = make_door(max_nesting=2)
    receiver = Receiver()
    door.expect("r1", receiver)
    door.answer("r1", "Cmeter", response, "pigeon")
    assert receiver.answers == []
    assert receiver.discards == [(Discard.MALFORMED, 1)]


def test_discards_of_networks_are_handed_on(door: Door) -> None:
    receiver = Receiver()
    door.expect("r1", receiver)
    door.discard("r1", Discard.RECEIVE_BUFFER, 7)
    assert receiver.discards == [(Discard.RECEIVE_BUFFER, 7)]


async def test_requests_are_carried_out_once_the_server_runs(door: Door) -> None:
    class Carrier:
        async def handle(self, request: Request) -> Response:
            return Response(OK, request.to)

    request = Request(Operation.RETRIEVE, "cse-in", "Cmeter", "r1")
    with pytest.raises(RuntimeError):
        await door.request(request)
    door.carrier = Carrier()
    assert (await door.request(request)).content == "cse-in"


@pytest.mark.parametrize(
    ("address", "allowed"),
    [("127.0.0.1", True), ("10.0.0.1", False), ("::1", False), ("localhost", False), ("", False)],
)
def test_only_addresses_of_the_operators_networks_are_allowed(door: Door, address: str, allowed: bool) -> None:
    assert door.allows(address) is allowed


def test_documents_in_memory_are_one_store_per_name(door: Door) -> None:
    door.documents("pigeon").insert({"loft": "roof"})
    assert len(door.documents("pigeon")) == 1
    assert len(door.documents("other")) == 0


def test_documents_survive_a_restart(tmp_path: Path) -> None:
    for expected in range(3):
        door = make_door(open_store(f"sqlite:///{tmp_path}/cse.sqlite", tmp_path))
        documents = door.documents("pigeon")
        assert len(documents) == expected
        documents.insert({"number": expected})
        assert documents.get(where("number") == expected)
        door.close()
    assert [path.name for path in (tmp_path / "networks").iterdir()] == ["pigeon.json"]
