"""Applications without a server of their own fetch what is sent to them from their polling channel."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cse.testing.clock import ManualClock
from cse.work import Work
from tests.programs import program
from tests.servers import Answer, Client, eventually, hurrying, serving

PCU = "/cse-in/app/channel/pcu"


@pytest.fixture
async def app(client: Client) -> Client:
    """AE Capp, which has a polling channel and can't be reached in any other way."""
    return await polled(client)


@pytest.fixture
async def patient(clean_log: None, clock: ManualClock) -> AsyncIterator[Client]:
    """The same on a server with the clock of the test."""
    async with serving(clock=clock) as cse:
        yield await polled(cse.client)


async def polled(client: Client, **attributes: Any) -> Client:
    assert (await client.register("app", rr=False)).rsc == 2001
    channel = {"m2m:pch": {"rn": "channel"} | attributes}
    assert (await client.create("/cse-in/app", 15, channel, "Capp")).rsc == 2001
    assert (await client.create("/cse-in", 3, {"m2m:cnt": {"rn": "box"}})).rsc == 2001
    return client


async def poll(client: Client, originator: str = "Capp", **headers: Any) -> Answer:
    return await client.get(PCU, originator, **headers)


async def answer(client: Client, request: dict[str, Any], rsc: int = 2000, **more: Any) -> Answer:
    content = {"m2m:rsp": {"rqi": request["rqi"], "rsc": rsc, "fr": "Capp"} | more}
    return await client.request("POST", PCU, "Capp", content=content)


async def fetch_and_answer(client: Client, rsc: int = 2000, **more: Any) -> dict[str, Any]:
    """The next request that the polling application gets; it answers it."""
    request: dict[str, Any] = (await poll(client)).content["m2m:rqp"]
    assert (await answer(client, request, rsc, **more)).rsc == 2000
    return request


async def subscribe(client: Client, name: str = "sub") -> None:
    """Have Capp notified of new instances; it accepts that by its channel."""
    content = {"m2m:sub": {"rn": name, "nu": ["Capp"], "enc": {"net": [3]}, "nct": 1}}
    subscribing = asyncio.create_task(client.create("/cse-in/box", 23, content))
    question = await fetch_and_answer(client)
    assert question["pc"]["m2m:sgn"]["vrq"] is True
    assert (await subscribing).rsc == 2001


async def put(client: Client, content: str) -> None:
    assert (await client.create("/cse-in/box", 4, {"m2m:cin": {"con": content}})).rsc == 2001


def told(request: dict[str, Any]) -> Any:
    return request["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:cin"]["con"]


async def test_a_poll_that_is_open_gets_what_comes(app: Client) -> None:
    await subscribe(app)
    polling = asyncio.create_task(poll(app))
    await put(app, "first")
    request = (await polling).content["m2m:rqp"]
    assert (told(request), request["op"], request["to"], request["fr"]) == ("first", 5, "Capp", "/id-in")


async def test_what_came_before_waits_and_is_handed_out_once_in_order(app: Client) -> None:
    await subscribe(app)
    for content in "123":
        await put(app, content)
    assert [told((await poll(app)).content["m2m:rqp"]) for _ in range(3)] == ["1", "2", "3"]
    assert (await poll(app, X_M2M_RET="50")).rsc == 4008


async def test_a_channel_that_aggregates_hands_out_all_at_once(clean_log: None) -> None:
    async with serving() as cse:
        app = await polled(cse.client)
        await subscribe(app)
        change = await app.update("/cse-in/app/channel", {"m2m:pch": {"rqag": True}}, "Capp")
        for content in "123":
            await put(app, content)

        def waiting(work: Work) -> int:
            return work.transaction.queues.count(change.resource["ri"], "requests")

        await eventually(lambda: cse.server.core.read(waiting), lambda count: count == 3)
        assert [told(request) for request in (await poll(app)).content["m2m:agrp"]] == ["1", "2", "3"]


async def test_a_poll_ends_when_nothing_comes(patient: Client, clock: ManualClock) -> None:
    begun = clock.now()
    assert (await hurrying(clock, poll(patient))).rsc == 4008
    assert clock.now() >= begun + 30
    begun = clock.now()
    assert (await hurrying(clock, poll(patient, X_M2M_RET="7000"))).rsc == 4008
    assert begun + 7 <= clock.now() < begun + 30


async def test_a_request_to_the_application_gets_its_answer(app: Client) -> None:
    content = {"m2m:sgn": {"sur": "x"}}
    asking = asyncio.create_task(app.request("POST", "/cse-in/app", "CAdmin", content=content))
    request = await fetch_and_answer(app, 2000, pc={"m2m:sgn": {"sur": "y"}})
    assert request["pc"] == content
    answered = await asking
    assert (answered.rsc, answered.content) == (2000, {"m2m:sgn": {"sur": "y"}})


async def test_a_group_reaches_those_who_poll(app: Client) -> None:
    await app.create("/cse-in", 9, {"m2m:grp": {"rn": "all", "mnm": 9, "mid": ["Capp"]}})
    content = {"m2m:sgn": {"sur": "x"}}
    accepted = await app.request("POST", "/cse-in/all/fopt?rt=1", "CAdmin", content=content)
    await fetch_and_answer(app)
    path = f"/{accepted.content['m2m:uri']}"
    done = await eventually(lambda: app.get(path), lambda one: one.resource["rs"] == 1)
    (item,) = done.resource["ors"]["pc"]["m2m:agr"]["m2m:rsp"]
    assert (item["rsc"], item["fr"].rpartition("/")[2]) == (2000, "Capp")


async def test_refusals_reach_the_one_who_asked(app: Client) -> None:
    content = {"m2m:sub": {"nu": ["Capp"]}}
    subscribing = asyncio.create_task(app.create("/cse-in/box", 23, content))
    await fetch_and_answer(app, 4101)
    assert (await subscribing).rsc == 5204


@pytest.mark.parametrize(
    "content", [{}, {"m2m:rqp": {"rqi": "x", "rsc": 2000}}, {"m2m:rsp": {"rqi": "x"}}, {"m2m:rsp": []}]
)
async def test_what_is_no_answer_is_refused(app: Client, content: Any) -> None:
    assert (await app.request("POST", PCU, "Capp", content=content)).rsc == 4000


async def test_only_the_owner_uses_the_channel(app: Client) -> None:
    await app.register("other")
    everything = {"acr": [{"acor": ["all"], "acop": 63}]}
    await app.create("/cse-in/app", 1, {"m2m:acp": {"rn": "open", "pv": everything, "pvs": everything}}, "Capp")
    await app.update("/cse-in/app", {"m2m:ae": {"acpi": ["cse-in/app/open"]}}, "Capp")
    for originator in ("Cother", "CAdmin"):
        assert (await poll(app, originator, X_M2M_RET="100")).rsc == 4103
        assert (await app.request("POST", PCU, originator, content={"m2m:rsp": {"rqi": "x", "rsc": 2000}})).rsc == 4103
        assert (await app.create("/cse-in/app", 15, {"m2m:pch": {}}, originator)).rsc == 4103
    assert (await app.get("/cse-in/app/channel", "Cother")).rsc == 4103
    assert (await app.update(PCU, {"m2m:pch": {"rqag": True}}, "Capp")).rsc == 4005
    assert (await app.delete(PCU, "Capp")).rsc == 4005


async def test_one_channel_each_and_only_below_its_owner(app: Client) -> None:
    assert (await app.create("/cse-in/app", 15, {"m2m:pch": {}}, "Capp")).rsc == 4000
    assert (await app.create("/cse-in", 15, {"m2m:pch": {}})).rsc == 4108
    assert (await app.delete("/cse-in/app/channel", "Capp")).rsc == 2002
    assert (await poll(app)).rsc == 4004
    assert (await app.request("POST", "/cse-in/app", "CAdmin", content={"m2m:sgn": {"sur": "x"}})).rsc == 5103
    assert (await app.create("/cse-in/app", 15, {"m2m:pch": {"rn": "channel"}}, "Capp")).rsc == 2001


async def test_a_client_that_goes_takes_nothing_with_it(app: Client) -> None:
    await subscribe(app)
    with pytest.raises((asyncio.TimeoutError, aiohttp.ClientError)):
        await asyncio.wait_for(poll(app), 0.2)
    await put(app, "kept")
    assert told((await poll(app)).content["m2m:rqp"]) == "kept"


async def test_a_channel_takes_only_so_many_polls(app: Client) -> None:
    polls = [asyncio.create_task(poll(app, X_M2M_RET="3000")) for _ in range(9)]
    first, _ = await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result().rsc for task in first] == [4005]
    for task in polls:
        task.cancel()


async def test_the_oldest_go_when_a_channel_is_full(clean_log: None, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(polling_queue=2) as cse:
        app = await polled(cse.client)
        await subscribe(app)
        for content in "123":
            await put(app, content)
        await eventually(lambda: asyncio.sleep(0), lambda _: "polling_queue" in caplog.text)
        assert [told((await poll(app)).content["m2m:rqp"]) for _ in range(2)] == ["2", "3"]
        caplog.clear()


async def test_what_waits_survives_kill_9(tmp_path: Path) -> None:
    async with program(tmp_path) as server:
        app = await polled(server.client)
        await subscribe(app)
        await put(app, "kept")
        await server.kill()
        await server.start()
        assert told((await poll(server.client)).content["m2m:rqp"]) == "kept"
