"""Devices that sleep are waited for, and get their requests when they wake."""

from typing import Any

from cse.fanout.rest import wakes_at
from cse.network import Host
from cse.primitive import Operation, ResponseType
from cse.testing.clock import settle
from tests.cse.fanout.scenario import Scenario, items, scenario

NIGHT = "* * 2-3 * * * *"  # in the tests it is 8 o'clock


def test_who_sleeps() -> None:
    assert wakes_at(Host("C", ()), 0.0) is None
    assert wakes_at(Host("C", (), reachable=False), 0.0) == float("inf")
    assert wakes_at(Host("C", (), schedule=(NIGHT,)), 0.0) == 7200.0
    assert wakes_at(Host("C", (), schedule=(NIGHT,)), 7201.0) is None
    assert wakes_at(Host("C", (), schedule=("* * * 30 2 * *",)), 0.0) == float("inf")
    assert wakes_at(Host("/id-mn/x", (), reachable=False, cse="/id-mn"), 0.0) is None


async def change(city: Scenario, path: str, **attributes: Any) -> None:
    response = await city.ask(Operation.UPDATE, path, content={"m2m:ae": attributes})
    assert response.status_code == 2004, response.content
    await settle()


async def asleep(city: Scenario, **parameters: Any) -> str:
    """A campaign to m0, which is awake, and to `s`, which is not."""
    members = await city.meters(1, "wire")
    members.append(await city.meter("s", "wire://s"))
    await change(city, "cse-in/s", rr=False)
    await city.group(members)
    request = await city.start(**parameters)
    await city.advance_until(lambda: len(city.wire.deliveries) == 1, step=0.1)
    return request


async def row(city: Scenario, request: str) -> tuple[str, str, int]:
    found = (await city.rows(request))["cse-in/s"]
    return found.state, found.reason, found.attempts


async def test_one_that_has_said_that_it_cannot_be_reached_is_asked_when_it_can() -> None:
    async with scenario() as city:
        request = await asleep(city)
        await city.clock.advance(300)
        assert await row(city, request) == ("waiting", "WAITING_FOR_DEVICE", 0)
        assert (await city.report(request))["reasons"] == {"WAITING_FOR_DEVICE": 1}
        await change(city, "cse-in/s", rr=True)
        assert items((await city.finished(request))["ors"]["pc"]) == {"cse-in/m0": 2000, "cse-in/s": 2000}
        assert await row(city, request) == ("answered", "", 1)
        assert len(city.wire.deliveries) == 2


async def test_another_address_is_used_at_once() -> None:
    async with scenario() as city:
        await city.group([await city.meter("m", "wire://old")])
        city.wire.answers = False
        request = await city.start()
        await city.advance_until(lambda: len(city.wire.deliveries) == 4)
        sent = city.clock.now()
        await settle()
        city.wire.answers = True
        await change(city, "cse-in/m", poa=["wire://new"])
        await city.finished(request)
        assert city.wire.deliveries[-1].address == "wire://new"
        assert city.clock.now() - sent < 2


async def test_who_registers_again_is_asked() -> None:
    async with scenario() as city:
        request = await asleep(city)
        assert (await city.ask(Operation.DELETE, "cse-in/s")).status_code == 2002
        await city.meter("s", "wire://s")
        assert items((await city.finished(request))["ors"]["pc"]) == {"cse-in/m0": 2000, "cse-in/s": 2000}


async def test_nothing_is_sent_after_the_expiry() -> None:
    async with scenario() as city:
        request = await asleep(city, request_expiration="10000", result_expiration="60000")
        await city.clock.advance(20)
        await change(city, "cse-in/s", rr=True)
        result = await city.finished(request)
        assert items(result["ors"]["pc"]) == {"cse-in/m0": 2000, "cse-in/s": 5103}
        assert await row(city, request) == ("unreachable", "OFFLINE", 0)
        assert len(city.wire.deliveries) == 1


async def test_who_waits_for_the_answer_does_not_wait_for_a_device_that_sleeps() -> None:
    async with scenario() as city:
        await city.meter("s", "wire://s")
        await change(city, "cse-in/s", rr=False)
        await city.group(["cse-in/s"])
        began = city.clock.now()
        assert items((await city.notify()).content) == {"cse-in/s": 5103}
        assert city.clock.now() == began


async def test_one_that_fetches_its_requests_gets_them_there() -> None:
    async with scenario() as city:
        request = await asleep(city)
        await city.create("cse-in/s", 15, "pch", "Cs", rn="channel")
        response = await city.ask(Operation.RETRIEVE, "cse-in/s/channel/pcu", "Cs")
        primitive = response.content["m2m:rqp"]
        answer = {"m2m:rsp": {"rqi": primitive["rqi"], "rsc": 2000}}
        await city.ask(Operation.NOTIFY, "cse-in/s/channel/pcu", "Cs", content=answer)
        assert items((await city.finished(request))["ors"]["pc"]) == {"cse-in/m0": 2000, "cse-in/s": 2000}
        assert (await city.rows(request))["cse-in/s"].network == "polling-channel"


async def test_the_schedule_of_its_node_says_when_a_device_is_awake() -> None:
    async with scenario() as city:
        node = await city.create("cse-in", 14, "nod", rn="node", ni="n")
        member = await city.meter("s", "wire://s", nl=node.content["m2m:nod"]["ri"])
        await city.create("cse-in/node", 18, "sch", rn="hours", se={"sce": [NIGHT]})
        await city.group([member])
        request = await city.start(request_expiration="P2D")
        began = city.clock.now()
        await city.advance_until(lambda: city.wire.deliveries, seconds=2 * 86400, step=600)
        assert int(city.wire.deliveries[0].deadline - began) == 2 * 86400
        assert 17 * 3600 < city.clock.now() - began < 18.5 * 3600
        assert (await city.finished(request))["rs"] == 1


async def test_a_schedule_that_goes_wakes_the_devices_of_its_node() -> None:
    async with scenario() as city:
        node = await city.create("cse-in", 14, "nod", rn="node", ni="n")
        member = await city.meter("s", "wire://s", nl=node.content["m2m:nod"]["ri"])
        await city.create("cse-in/node", 18, "sch", rn="hours", se={"sce": [NIGHT]})
        await city.group([member])
        request = await city.start()
        await city.advance_until(lambda: _waits(city, request), step=0.1)
        assert (await city.ask(Operation.DELETE, "cse-in/node/hours")).status_code == 2002
        assert (await city.finished(request))["rs"] == 1
        late = await city.notify(response_type=ResponseType.BLOCKING)
        assert items(late.content) == {"cse-in/s": 2000}


async def _waits(city: Scenario, request: str) -> bool:
    found = await city.rows(request)
    return bool(found) and found["cse-in/s"].reason == "WAITING_FOR_DEVICE"
