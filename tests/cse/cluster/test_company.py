"""Several processes serve one tree: who does what, and what happens when one ends."""

import asyncio

import pytest

from cse.cluster.answers import Answer
from cse.network import Discard, Engine
from cse.primitive import OK, Operation, Request, Response, ResponseType
from tests.cse.cluster.meeting import company, seat_of
from tests.cse.fanout.scenario import Scenario, eventually, items


async def test_what_one_has_acknowledged_the_next_request_sees_anywhere() -> None:
    async with company(3) as servers:
        for number, city in enumerate(servers):
            await city.create("cse-in", 3, "cnt", rn=f"c{number}")
            for other in servers:
                assert (await other.ask(Operation.RETRIEVE, f"cse-in/c{number}")).status_code == OK


async def test_networks_that_listen_run_in_the_conductor_only() -> None:
    async with company(2) as (first, second):
        assert {"air", "wire", "polling-channel"} <= first.server.core.networks.keys()
        assert not {"air", "wire"} & second.server.core.networks.keys()
        assert {"http-unicast", "polling-channel"} <= second.server.core.networks.keys()
        assert not hasattr(second.wire, "engine")


async def test_a_fan_out_is_carried_out_by_the_conductor_wherever_it_is_asked_for() -> None:
    async with company(2) as (first, second):
        await first.group(await first.meters(4, "air"))
        response = await second.notify()
        assert items(response.content) == {f"cse-in/m{number}": OK for number in range(4)}
        assert len(first.air.deliveries) == 1
        assert not second.air.deliveries


async def test_an_error_of_the_conductor_is_the_error_of_whom_it_was_asked() -> None:
    async with company(2) as (first, second):
        await first.group(await first.meters(2, "air"))
        response = await second.notify(originator="Cstranger")
        assert response.status_code == 4103
        assert (await second.ask(Operation.NOTIFY, "cse-in/none/fopt", content={})).status_code == 4004


async def test_a_result_is_polled_at_any_process() -> None:
    async with company(2) as (first, second):
        await first.group(await first.meters(3, "wire"))
        request = await second.start()
        assert (await first.finished(request))["rs"] == 1
        assert len(items((await second.result(request))["ors"]["pc"])) == 3


async def test_an_answer_finds_its_campaign_at_whatever_process_it_comes_in() -> None:
    async with company(3) as (first, second, third):
        first.wire.answers = False
        await first.group(await first.meters(2, "wire"))
        request = await second.start()
        await first.advance_until(lambda: len(first.wire.deliveries) == 2, seconds=2)
        identifier = first.wire.deliveries[0].request.request_identifier
        for number, city in enumerate((second, third)):
            answer = {"m2m:rsp": {"rsc": 2000, "rqi": identifier, "pc": {"m2m:cin": {"con": number}}}}
            taken = await city.ask(Operation.NOTIFY, "cse-in", f"Cm{number}", content=answer)
            assert taken.status_code == OK
        result = await first.finished(request)
        assert items(result["ors"]["pc"]) == {"cse-in/m0": OK, "cse-in/m1": OK}


async def test_an_answer_that_nobody_waits_for_is_counted_by_the_conductor() -> None:
    async with company(2) as (first, second):
        await second.server.door.accept(Answer("unknown", "Cm1", Response(OK), ""))
        assert [city.server.door.strays for city in (first, second)] == [1, 0]
        first.server.door.discard("unknown", Discard.MALFORMED)
        assert first.server.door.strays == 2


async def test_an_answer_for_one_process_finds_it_from_any_other() -> None:
    async with company(3) as (first, second, third):
        await second.meter("reader")
        await second.create("cse-in/reader", 15, "pch", "Creader", rn="channel")
        asking = asyncio.create_task(second.ask(Operation.NOTIFY, "cse-in/reader", content={"m2m:sgn": {"sur": "x"}}))
        polled = await third.ask(Operation.RETRIEVE, "cse-in/reader/channel/pcu", "Creader")
        answer = {"m2m:rsp": {"rsc": 2000, "rqi": polled.content["m2m:rqp"]["rqi"]}}
        await third.ask(Operation.NOTIFY, "cse-in/reader/channel/pcu", "Creader", content=answer)
        assert (await asking).status_code == OK
        assert not second.server.core.networks.keys() & {"air", "wire"}
        assert first.server.core.store.company.conducts


async def test_another_process_goes_on_with_the_campaigns_of_one_that_ends() -> None:
    async with company(3) as (first, second, third):
        first.wire.hears = lambda host, attempt: host != "Cm1"
        await first.group(await first.meters(3, "wire"))
        request = await third.start()
        await first.advance_until(lambda: len(first.wire.deliveries) >= 3, seconds=2)
        identifier = first.wire.deliveries[0].request.request_identifier
        await first.server.core.stop_tasks()
        seat_of(first).die()
        await eventually(lambda: "wire" in second.server.core.networks)
        result = await second.finished(request)
        assert items(result["ors"]["pc"]) == {f"cse-in/m{number}": OK for number in range(3)}
        assert {delivery.request.request_identifier for delivery in second.wire.deliveries} == {identifier}
        assert {host.id for delivery in second.wire.deliveries for host in delivery.hosts} == {"Cm1"}
        assert not third.wire.deliveries


async def test_who_has_asked_a_process_that_ends_is_told_so() -> None:
    async with company(2) as (first, second):
        first.wire.answers = False
        await first.group(await first.meters(1, "wire"))
        waiting = asyncio.create_task(second.notify())
        await first.advance_until(lambda: first.wire.deliveries, seconds=2)
        await first.server.core.stop_tasks()
        seat_of(first).die()
        response = await waiting
        assert response.status_code == 5103
        assert "send the request again" in response.content["m2m:dbg"]


async def test_a_request_to_the_conductor_waits_while_there_is_none() -> None:
    async with company(2) as (first, second):
        await first.group(await first.meters(2, "wire"))
        seat_of(first).die()
        response = await second.notify()
        assert len(items(response.content)) == 2
        assert len(second.wire.deliveries) == 2


async def test_requests_that_a_process_had_accepted_are_carried_out_by_the_conductor() -> None:
    async with company(2) as (first, second):
        response = await second.ask(
            Operation.CREATE,
            "cse-in",
            resource_type=3,
            content={"m2m:cnt": {"rn": "later"}},
            response_type=ResponseType.NON_BLOCKING_SYNCH,
            execution_time="PT1H",
        )
        assert response.status_code == 1001
        await second.server.core.stop_tasks()
        seat_of(second).die()
        await _has(first, response.content["m2m:uri"])
        await first.clock.advance(3600)
        await first.advance_until(lambda: _is_there(first, "cse-in/later"))
        assert (await first.result(response.content["m2m:uri"]))["rs"] == 1


async def _has(city: Scenario, request: str) -> None:
    """Return when the process of this server carries out the <request>."""
    process = seat_of(city).process
    for _ in range(2000):
        found = await city.server.core.read(lambda work: work.resource(request))
        assert found is not None
        if found.attributes["_process"] == process:
            return
        await asyncio.sleep(0.002)
    raise AssertionError(f"{process} has not taken it over")


async def _is_there(city: Scenario, address: str) -> bool:
    return (await city.ask(Operation.RETRIEVE, address)).status_code == OK


async def test_the_operator_plans_and_cancels_at_any_process() -> None:
    async with company(2) as (first, second):
        first.wire.answers = False
        await first.group(await first.meters(2, "wire"))
        plan = await second.server.campaigns.plan(_plan_request())
        assert plan["group"] == "cse-in/city"
        request = await second.start()
        campaign = (await second.report(request))["campaign"]
        await second.server.campaigns.cancel(campaign)
        await second.finished(request)
        assert {row.reason for row in (await second.rows(request)).values()} == {"CANCELLED"}


def _plan_request() -> Request:
    return Request(Operation.NOTIFY, "cse-in/city/fopt", "CAdmin", "plan", content={})


@pytest.mark.parametrize("killed", [0, 1, 2])
async def test_somebody_conducts_whoever_ends(killed: int) -> None:
    async with company(3) as servers:
        await servers[0].group(await servers[0].meters(2, "wire"))
        seat_of(servers[killed]).die()
        left = [city for number, city in enumerate(servers) if number != killed]
        for city in left:
            assert len(items((await city.notify()).content)) == 2
        assert sum(city.server.core.store.company.conducts for city in left) == 1


async def test_a_process_that_cannot_begin_to_conduct_leaves_that_to_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(engine: Engine) -> None:
        raise OSError("there is no such interface")

    async with company(3) as (first, second, third):
        monkeypatch.setattr(second.wire, "start", fail)
        seat_of(first).die()
        await asyncio.wait_for(second.server.conductor.lost.wait(), 10)
        assert "there is no such interface" in caplog.text
        seat_of(second).die()
        await eventually(lambda: "wire" in third.server.core.networks)


async def test_a_process_that_has_lost_its_place_is_told() -> None:
    async with company(2) as (first, second):
        assert not first.server.conductor.lost.is_set()
        seat_of(first).die()
        await asyncio.wait_for(first.server.conductor.lost.wait(), 10)
        assert not second.server.conductor.lost.is_set()
