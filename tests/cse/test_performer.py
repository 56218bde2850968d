"""What is asked and waited for around a unit of work, and when that ends."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from cse.cluster.switchboard import Switchboard
from cse.consent import NO_CONSENT, Consent, ConsentNeeded, Question
from cse.core import Core
from cse.errors import BadRequest, NotFound, RequestTimeout
from cse.memberships import Memberships
from cse.performer import Performer
from cse.primitive import OK, Operation, Request, Response
from cse.work import Work
from tests.cse.fanout.scenario import Scenario, eventually, scenario

UPDATE = Request(Operation.UPDATE, "cse-in/box", "CAdmin", "r1")
RETRIEVE = Request(Operation.RETRIEVE, "cse-in", "CAdmin", "r1")


def question(key: str) -> Question:
    return Question(key, "Capp", key, NotFound, BadRequest)


class Others:
    """Instead of the notifier: whoever is asked agrees, except to what is refused."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refused: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()

    async def ask(self, one: Question) -> None:
        self.asked.append(one.key)
        await self.gate.wait()
        if one.key in self.refused:
            raise one.refused(one.key)

    async def settled(self, effects: list[int]) -> None:
        """Instead of the outbox."""

    def wake(self, lane: str) -> None:
        """Instead of the outbox."""

    async def answers(self, addresses: list[str], originator: str) -> dict[str, Response]:
        """Instead of the inquiry: there is everything."""
        self.asked.append(f"{originator} retrieves {' '.join(addresses)}")
        return dict.fromkeys(addresses, Response(OK))


@pytest.fixture
async def city() -> AsyncIterator[Scenario]:
    async with scenario() as one:
        yield one


@pytest.fixture
def others() -> Others:
    return Others()


def performer(core: Core, others: Others) -> Performer:
    return Performer(core, others, others, Memberships(core, Switchboard(core)), others)  # type: ignore[arg-type]


def operation(monkeypatch: pytest.MonkeyPatch, *needs: ConsentNeeded) -> list[Consent]:
    """Let the operation need these, one after another; the consents that it has been carried out with."""
    consents: list[Consent] = []

    def perform(work: Work, request: Request) -> Response:
        consents.append(work.consent)
        work.require_unlocked(work.target("cse-in").resource)
        for need in needs:
            work.ask(need.needs, identifier=need.identifier, locks=need.locks)
        return Response(OK)

    monkeypatch.setattr("cse.performer.perform", perform)
    return consents


async def test_each_question_is_asked_once_whatever_comes_after_it(
    city: Scenario, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ConsentNeeded([question("a"), question("b")], "new1", "")
    consents = operation(monkeypatch, first, ConsentNeeded([question("b"), question("c")], "new1", ""))
    assert (await performer(city.server.core, others).perform(UPDATE)).status_code == OK
    assert others.asked == ["a", "b", "c"]
    assert consents == [NO_CONSENT, Consent(frozenset("ab"), "new1"), Consent(frozenset("abc"), "new1")]


async def test_a_refusal_is_the_answer(city: Scenario, others: Others, monkeypatch: pytest.MonkeyPatch) -> None:
    others.refused = {"b"}
    operation(monkeypatch, ConsentNeeded([question("a"), question("b")], "", "id-in"))
    with pytest.raises(BadRequest, match="b"):
        await performer(city.server.core, others).perform(UPDATE)
    assert city.server.core.locked == {}


async def test_what_is_locked_is_asked_about_by_one_at_a_time(
    city: Scenario, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation(monkeypatch, ConsentNeeded([question("a")], "", "id-in"))
    others.gate.clear()
    one = performer(city.server.core, others)
    requests = [asyncio.create_task(one.perform(UPDATE)) for _ in range(3)]
    await eventually(lambda: others.asked)
    await eventually(lambda: set(city.server.core.locked) == {"id-in"})
    assert others.asked == ["a"]
    others.gate.set()
    assert [response.status_code for response in await asyncio.gather(*requests)] == [OK] * 3
    assert others.asked == ["a"] * 3
    assert city.server.core.locked == {}


async def test_nobody_waits_for_ever(city: Scenario, others: Others, monkeypatch: pytest.MonkeyPatch) -> None:
    operation(monkeypatch)
    city.server.core.locked["id-in"] = asyncio.Event()
    task = asyncio.create_task(performer(city.server.core, others).perform(UPDATE))
    before = city.clock.now()
    while not task.done():
        await city.clock.advance(1)
    assert city.clock.now() >= before + 10
    with pytest.raises(RequestTimeout, match="locked"):
        await task


async def test_what_is_elsewhere_is_retrieved_once(city: Scenario, others: Others) -> None:
    units: list[int] = []

    def unit(work: Work) -> str:
        units.append(len(work.consent.answers))
        work.elsewhere(["/mn/a", "/mn/b", "/mn/a"], "Capp")
        return " ".join(work.elsewhere(["/mn/b", "/mn/c"], "Cme"))

    assert await performer(city.server.core, others).carry_out(unit) == "/mn/a /mn/b /mn/c"
    assert others.asked == ["Capp retrieves /mn/a /mn/b", "Cme retrieves /mn/c"]
    assert units == [0, 2, 3]


async def test_questions_without_end_are_not_asked(
    city: Scenario, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = iter(range(1000))

    def perform(work: Work, request: Request) -> Response:
        raise ConsentNeeded([question(str(next(keys)))], "", "")

    monkeypatch.setattr("cse.performer.perform", perform)
    with pytest.raises(RequestTimeout, match="again and again"):
        await performer(city.server.core, others).perform(UPDATE)
    assert len(others.asked) < 20


async def test_a_retrieval_writes_only_if_it_has_to(
    city: Scenario, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    units: list[bool] = []

    def perform(work: Work, request: Request) -> Response:
        units.append(work.reads_only)
        if len(units) > 1:
            work.require_writing()
        return Response(OK)

    monkeypatch.setattr("cse.performer.perform", perform)
    one = performer(city.server.core, others)
    await one.perform(RETRIEVE)
    assert units == [True]
    await one.perform(RETRIEVE)
    assert units == [True, True, False]
    await one.perform(RETRIEVE, lambda work, response: None)
    assert units[-1] is False
