"""What is retrieved from other CSEs: at the same time, but not all at once, and not for ever."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from cse.inquiry import PARALLEL, Inquiry
from cse.primitive import Operation, Request, Response
from tests.cse.fanout.scenario import Scenario, scenario
from tests.servers import hurrying


class Others:
    """Instead of the door: everything is there, but `/mn/silent` does not answer."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.most = 0
        self._now = 0

    async def request(self, request: Request) -> Response:
        self.requests.append(request)
        self._now += 1
        self.most = max(self.most, self._now)
        await (asyncio.Event().wait() if request.to == "/mn/silent" else asyncio.sleep(0))
        self._now -= 1
        return Response(2000, {"m2m:cnt": {"ri": request.to}})


@pytest.fixture
async def city() -> AsyncIterator[Scenario]:
    async with scenario() as one:
        yield one


async def test_all_are_asked_a_limited_number_at_a_time(city: Scenario) -> None:
    others = Others()
    addresses = [f"/mn/{number}" for number in range(3 * PARALLEL)]
    answers = await Inquiry(city.server.core, others).answers(addresses, "Capp")  # type: ignore[arg-type]
    assert {address: answer.content["m2m:cnt"]["ri"] for address, answer in answers.items()} == {
        address: address for address in addresses
    }
    assert others.most == PARALLEL
    assert {(one.operation, one.originator) for one in others.requests} == {(Operation.RETRIEVE, "Capp")}
    assert len({one.request_identifier for one in others.requests}) == len(addresses)


async def test_whoever_is_silent_is_not_waited_for_for_ever(city: Scenario) -> None:
    inquiry = Inquiry(city.server.core, Others())  # type: ignore[arg-type]
    answers = await hurrying(city.clock, inquiry.answers(["/mn/silent", "/mn/a"], "Capp"))
    assert {address: answer.status_code for address, answer in answers.items()} == {"/mn/silent": 5103, "/mn/a": 2000}
