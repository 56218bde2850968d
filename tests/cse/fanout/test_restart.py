"""A server that stops in the middle goes on afterwards, for the silent members only and as the same request."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from cse.primitive import Operation, Request, Response, ResponseType
from cse.testing.clock import ManualClock
from tests.cse.fanout.scenario import INSTRUCTION, Scenario, eventually, items, scenario


async def test_only_the_silent_members_are_asked_again(tmp_path: Path) -> None:
    store, clock = f"sqlite:///{tmp_path}/cse.sqlite", ManualClock()
    async with scenario(store, clock, data_folder=str(tmp_path)) as city:
        members = await city.meters(6, "wire")
        await city.group(members)
        city.wire.hears = lambda host, attempt: int(host[2:]) < 4
        request = await city.start()
        await eventually(lambda: len(city.wire.deliveries) == 6)
        await city.advance_until(lambda: _answered(city, request, 4))
        first = city.wire.deliveries[0].request
    async with scenario(store, clock, data_folder=str(tmp_path)) as city:
        result = await city.finished(request)
        assert items(result["ors"]["pc"]) == dict.fromkeys(members, 2000)
        assert sorted(delivery.hosts[0].id for delivery in city.wire.deliveries) == ["Cm4", "Cm5"]
        again = city.wire.deliveries[0].request
        assert again == first
        assert (await city.rows(request))["cse-in/m4"].attempts >= 2


async def test_a_deadline_that_passed_while_the_server_was_down(tmp_path: Path) -> None:
    store, clock = f"sqlite:///{tmp_path}/cse.sqlite", ManualClock()
    async with scenario(store, clock, data_folder=str(tmp_path)) as city:
        await city.group(await city.meters(2, "wire"))
        city.wire.hears = lambda host, attempt: host == "Cm0"
        request = await city.start(request_expiration="60000")
        await city.advance_until(lambda: _answered(city, request, 1))
    await clock.advance(100)
    async with scenario(store, clock, data_folder=str(tmp_path)) as city:
        result = await city.finished(request)
        assert (result["rs"], items(result["ors"]["pc"])) == (1, {"cse-in/m0": 2000})
        assert (await city.rows(request))["cse-in/m1"].reason == "SILENT"
        assert city.wire.deliveries == []


async def test_local_operations_are_not_repeated(tmp_path: Path) -> None:
    store, clock = f"sqlite:///{tmp_path}/cse.sqlite", ManualClock()
    count = 300
    async with scenario(store, clock, data_folder=str(tmp_path), fan_out_slice=1) as city:
        members = await city.meters(count, "wire")
        await city.group(members)
        response = await city.ask(
            Operation.CREATE,
            "cse-in/city/fopt",
            resource_type=3,
            content={"m2m:cnt": {}},
            response_type=ResponseType.NON_BLOCKING_SYNCH,
        )
        request = response.content["m2m:uri"]
        await city.advance_until(lambda: _answered(city, request, 5), step=0.001, seconds=10)
    async with scenario(store, clock, data_folder=str(tmp_path)) as city:
        assert (await city.finished(request))["rs"] == 1
        found = await city.ask(Operation.RETRIEVE, "cse-in", filters={"fu": ["1"], "ty": ["3"]})
        assert len(set(found.content["m2m:uril"]) - {"cse-in/campaigns"}) == count


async def test_an_accepted_request_that_had_not_begun(tmp_path: Path) -> None:
    store, clock = f"sqlite:///{tmp_path}/cse.sqlite", ManualClock()
    async with scenario(store, clock, data_folder=str(tmp_path)) as city:
        await city.group(await city.meters(2, "wire"))
        keeper = city.server.core.model.request_keeper
        accepted = _request()
        resource = await city.server.core.run(lambda work: keeper.open(work, accepted, clock.now() + 3600, "process"))
    async with scenario(store, clock, data_folder=str(tmp_path)) as city:
        assert (await city.finished(resource.ri))["rs"] == 1
        assert len(city.wire.deliveries) == 2


async def test_a_blocking_request_whose_client_has_gone_is_forgotten(tmp_path: Path) -> None:
    store, clock = f"sqlite:///{tmp_path}/cse.sqlite", ManualClock()
    async with scenario(store, clock, data_folder=str(tmp_path)) as city:
        await city.group(await city.meters(1, "wire"))
        city.wire.answers = False
        city.server.core.start(_ignore(city.notify()), "a client")
        await eventually(lambda: city.wire.deliveries)
    async with scenario(store, clock, data_folder=str(tmp_path)) as city:
        assert await city.server.core.read(lambda work: work.transaction.campaigns.all()) == []


def _request() -> Request:
    rt = ResponseType.NON_BLOCKING_SYNCH
    return Request(Operation.NOTIFY, "cse-in/city/fopt", "CAdmin", "r", content=INSTRUCTION, response_type=rt)


async def _ignore(asking: Coroutine[Any, Any, Response]) -> None:
    await asking


async def _answered(city: Scenario, request: str, count: int) -> bool:
    rows = (await city.rows(request)).values()
    return bool(sum(row.state == "answered" for row in rows) >= count)
