"""The edge cases of group communication in which it matters when something happens (see `test_group_edge_cases`)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cse.testing.clock import ManualClock
from cse.work import Work
from resources.groups.aggregation import ALARM
from tests.devices import ByHand
from tests.servers import Answer, Client, Listener, Running, eventually, hurrying, serving

COMPLETED, FAILED, PENDING, PARTIALLY_COMPLETED = 1, 2, 3, 5
INSTRUCTION = {"m2m:sgn": {"sur": "cse-in/g", "nev": {"rep": {"m2m:cin": {"con": '{"interval": 900}'}}}}}
BOX = {"m2m:cnt": {"rn": "box"}}


@pytest.fixture
def hand() -> ByHand:
    """The network of the devices, which answer by hand."""
    return ByHand()


@pytest.fixture
async def plant(clean_log: None, clock: ManualClock, hand: ByHand) -> AsyncIterator[Running]:
    """A server with the test's clock; AEs Ca, Cb and Cc with a container each are the group `g`."""
    async with serving(clock=clock, networks=[hand]) as cse:
        await meters(cse.client)
        yield cse


@pytest.fixture
def city(plant: Running) -> Client:
    """A client of that server."""
    return plant.client


async def meters(client: Client, scheme: str = "hand") -> None:
    for name in "abc":
        await client.register(name, f"{scheme}://{name}")
        await client.create(f"/cse-in/{name}", 3, BOX, f"C{name}")
    content = {"rn": "g", "mnm": 5, "mid": ["Ca", "Cb", "Cc"]}
    assert (await client.create("/cse-in", 9, {"m2m:grp": content})).rsc == 2001


async def instruct(client: Client, query: str = "", **headers: Any) -> Answer:
    return await client.request("POST", f"/cse-in/g/fopt{query}", content=INSTRUCTION, **headers)


async def kept(client: Client, answer: Answer) -> dict[str, Any]:
    """The <request> of which an acknowledgement has told."""
    return (await client.get(f"/{answer.content['m2m:uri']}")).resource


async def becomes(client: Client, answer: Answer, clock: ManualClock, status: int) -> dict[str, Any]:
    """The <request> once it has this status."""

    async def ask() -> dict[str, Any]:
        return await kept(client, answer)

    return await hurrying(clock, eventually(ask, lambda one: one["rs"] == status), 0.2)


def codes(result: Any) -> dict[str, int]:
    """The response status code of each item, by the member; of an answer, a result or a notification."""
    content = result.content if isinstance(result, Answer) else result["pc"]
    return {item["fr"]: item["rsc"] for item in content["m2m:agr"]["m2m:rsp"]}


async def report(client: Client, answer: Answer) -> dict[str, Any]:
    return dict((await client.get(f"/.cse/campaigns/{answer.content['m2m:uri']}")).content)


async def test_edge_04_an_answer_after_the_result_expiration(city: Client, clock: ManualClock, hand: ByHand) -> None:
    accepted = await instruct(city, "?rt=1", X_M2M_RET="2000", X_M2M_RST="3000")
    await hand.wait(3)
    hand.answer("Ca")
    before = await becomes(city, accepted, clock, COMPLETED)
    assert codes(before["ors"]) == {"Ca": 2000}
    hand.answer("Cb")
    late = await eventually(lambda: report(city, accepted), lambda one: bool(one["discarded"]))
    assert late["discarded"] == {"late": 1}
    assert await kept(city, accepted) == before


async def test_edge_05_a_member_that_answers_twice(city: Client, clock: ManualClock, hand: ByHand) -> None:
    accepted = await instruct(city, "?rt=1", X_M2M_RET="60000")
    await hand.wait(3)
    hand.answer("Ca")
    hand.answer("Ca", code=4000)
    hand.answer("Cb", "Cc")
    done = await becomes(city, accepted, clock, COMPLETED)
    assert codes(done["ors"]) == {"Ca": 2000, "Cb": 2000, "Cc": 2000}
    assert (await report(city, accepted))["discarded"] == {"duplicate": 1}


async def test_edge_13_a_polled_request_is_pending_then_partial_then_complete(
    city: Client, clock: ManualClock, hand: ByHand
) -> None:
    accepted = await instruct(city, "?rt=1", X_M2M_RET="60000")
    assert accepted.rsc == 1001
    await hand.wait(3)
    pending = await kept(city, accepted)
    assert (pending["rs"], pending["ors"]["rsc"], "pc" in pending["ors"]) == (PENDING, 1000, False)
    hand.answer("Cb")
    partial = await becomes(city, accepted, clock, PARTIALLY_COMPLETED)
    assert (partial["ors"]["rsc"], codes(partial["ors"])) == (2000, {"Cb": 2000})
    hand.answer("Ca", "Cc")
    complete = await becomes(city, accepted, clock, COMPLETED)
    assert (complete["ors"]["rsc"], codes(complete["ors"])) == (2000, {"Ca": 2000, "Cb": 2000, "Cc": 2000})


async def test_edge_13_nobody_answers(city: Client, clock: ManualClock, hand: ByHand) -> None:
    accepted = await instruct(city, "?rt=1", X_M2M_RET="2000")
    await hand.wait(3)
    assert (await becomes(city, accepted, clock, FAILED))["ors"]["rsc"] == 5209


async def test_edge_14_two_are_told(city: Client, clock: ManualClock, hand: ByHand) -> None:
    async with Listener() as first, Listener() as second:
        await instruct(city, "?rt=2", X_M2M_RTU=f"{first.url}&{second.url}", X_M2M_RET="60000")
        await hand.wait(3)
        hand.answer("Ca")
        for listener in (first, second):
            assert codes((await hurrying(clock, listener.next(), 0.2))["m2m:rsp"]) == {"Ca": 2000}
        hand.answer("Cb", "Cc")
        for listener in (first, second):
            assert codes((await hurrying(clock, listener.next(), 0.2))["m2m:rsp"]) == {"Cb": 2000, "Cc": 2000}


async def test_edge_14_nobody_is_told(city: Client, clock: ManualClock, hand: ByHand, listener: Listener) -> None:
    await city.register("app", listener.url)
    content = {"m2m:acp": {"rn": "rules", "pv": {"acr": [{"acor": ["Capp"], "acop": 63}]}, "pvs": {"acr": []}}}
    content["m2m:acp"]["pvs"] = content["m2m:acp"]["pv"]
    await city.create("/cse-in", 1, content)
    await city.update("/cse-in/g", {"m2m:grp": {"macp": ["cse-in/rules"]}})
    quiet = await city.get("/cse-in/g/fopt?rt=2", "Capp", X_M2M_RTU="")
    assert (quiet.rsc, set(codes((await becomes(city, quiet, clock, COMPLETED))["ors"]).values())) == (1002, {4103})
    await city.get("/cse-in/g/fopt?rt=2", "Capp", X_M2M_RI="second")
    assert (await hurrying(clock, listener.next(), 0.2))["m2m:rsp"]["rqi"] == "second"
    assert listener.received == []


async def test_edge_15_all_answers_come_in_while_the_server_waits(
    city: Client, clock: ManualClock, hand: ByHand
) -> None:
    asking = asyncio.create_task(instruct(city, "?rt=4", X_M2M_RET="60000"))
    await hand.wait(3)
    hand.answer("Ca", "Cb", "Cc")
    answer = await asking
    assert (answer.rsc, codes(answer)) == (2000, {"Ca": 2000, "Cb": 2000, "Cc": 2000})
    assert "ri" not in answer.content["m2m:agr"]
    assert (await city.get("/cse-in?fu=1&ty=17")).content == {"m2m:uril": []}


async def test_edge_15_the_rest_comes_later(city: Client, clock: ManualClock, hand: ByHand) -> None:
    asking = asyncio.create_task(instruct(city, "?rt=4", X_M2M_RET="60000"))
    await hand.wait(3)
    hand.answer("Cb")
    answer = await hurrying(clock, asking, 0.2)
    assert (answer.rsc, codes(answer)) == (2000, {"Cb": 2000})
    address = answer.content["m2m:agr"]["ri"]
    hand.answer("Ca", "Cc")

    async def ask() -> dict[str, Any]:
        return (await city.get(f"/{address}")).resource

    complete = await hurrying(clock, eventually(ask, lambda one: one["rs"] == COMPLETED), 0.2)
    assert codes(complete["ors"]) == {"Ca": 2000, "Cb": 2000, "Cc": 2000}


@pytest.mark.parametrize(("headers", "rsc"), [({}, 1001), ({"X_M2M_RTU": ""}, 1002)])
async def test_edge_15_nobody_answers_while_the_server_waits(
    city: Client, clock: ManualClock, hand: ByHand, headers: dict[str, str], rsc: int
) -> None:
    answer = await hurrying(clock, instruct(city, "?rt=4", X_M2M_RET="60000", **headers), 0.2)
    assert answer.rsc == rsc
    hand.answer("Ca", "Cb", "Cc")
    assert len(codes((await becomes(city, answer, clock, COMPLETED))["ors"])) == 3


async def test_edge_15_what_is_refused_as_a_whole_is_refused_at_once(city: Client) -> None:
    assert (await city.get("/cse-in/g/fopt?rt=4", "Ca")).rsc == 4103
    assert (await city.get("/cse-in/g/fopt?rt=4&grtm=Cz")).rsc == 4000
    assert (await city.get("/cse-in?fu=1&ty=17")).content == {"m2m:uril": []}


async def test_edge_16_a_request_is_not_deleted_while_it_is_pending(
    city: Client, clock: ManualClock, hand: ByHand
) -> None:
    accepted = await instruct(city, "?rt=1", X_M2M_RET="60000")
    path = f"/{accepted.content['m2m:uri']}"
    await hand.wait(3)
    refused = await city.delete(path)
    assert (refused.status, refused.rsc) == (409, 5220)
    hand.answer("Ca", "Cb", "Cc")
    await becomes(city, accepted, clock, COMPLETED)
    assert (await city.delete(path)).rsc == 2002
    assert (await city.get(path)).rsc == 4004
    assert (await city.get(f"/.cse/campaigns{path}")).status == 404


async def test_edge_17_the_result_is_gone_after_its_persistence(city: Client, clock: ManualClock, hand: ByHand) -> None:
    accepted = await instruct(city, "?rt=1&rp=5000", X_M2M_RET="2000")
    await hand.wait(3)
    hand.answer("Ca", "Cb", "Cc")
    await becomes(city, accepted, clock, COMPLETED)
    await clock.advance(3)
    assert (await kept(city, accepted))["rs"] == COMPLETED
    await clock.advance(5)
    assert (await city.get(f"/{accepted.content['m2m:uri']}")).rsc == 4004


async def test_edge_18_a_network_that_is_broken_for_one_member(clock: ManualClock) -> None:
    hand = ByHand("Cb")
    async with serving(clock=clock, networks=[hand]) as cse:
        await meters(cse.client)
        accepted = await instruct(cse.client, "?rt=1", X_M2M_RET="3000")
        await hand.wait(2)
        hand.answer("Ca", "Cc")
        done = await becomes(cse.client, accepted, clock, COMPLETED)
        assert codes(done["ors"]) == {"Ca": 2000, "Cb": 5103, "Cc": 2000}
        assert (await report(cse.client, accepted))["reasons"] == {"ERROR": 1}


async def subscribe(client: Client, target: str, **attributes: Any) -> Answer:
    """Through the fanOutPoint, to the containers of the members."""
    content = {"rn": "news", "nu": [target], "nfu": [target], "nct": 3, "enc": {"net": [3]}} | attributes
    return await client.create("/cse-in/g/fopt/box", 23, {"m2m:sub": content})


async def measure(client: Client, *names: str) -> None:
    for name in names:
        assert (await client.create(f"/cse-in/{name}/box", 4, {"m2m:cin": {"con": name}}, f"C{name}")).rsc == 2001


async def has_collected(cse: Running, listener: Listener, count: int) -> None:
    """Wait until the group has so many notifications that are still to be sent to the listener."""

    def waiting(work: Work) -> int:
        return work.transaction.queues.count(work.target("cse-in/g").resource.ri, ALARM + listener.url)

    await eventually(lambda: cse.server.core.read(waiting), lambda found: found == count)


async def collected(listener: Listener) -> list[dict[str, Any]]:
    """What has come together."""
    content = await listener.next()
    assert list(content) == ["m2m:agn"]
    assert list(content["m2m:agn"]) == ["m2m:sgn"]
    return list(content["m2m:agn"]["m2m:sgn"])


async def test_edge_19_notifications_are_collected_by_number(city: Client, listener: Listener) -> None:
    assert codes(await subscribe(city, listener.url)) == {"Ca": 2001, "Cb": 2001, "Cc": 2001}
    assert (await listener.next())["m2m:sgn"].items() >= {"vrq": True, "cr": "CAdmin"}.items()
    group = (await city.get("/cse-in/g")).resource["ri"]
    below = (await city.get("/cse-in/a/box/news")).resource
    assert (below["nu"], below["gpi"], below["nfu"]) == ([f"/id-in/{group}"], f"/id-in/{group}", [listener.url])
    await measure(city, "a", "b", "c")
    together = await collected(listener)
    assert {one["sur"] for one in together} == {
        f"/id-in/{(await city.get(f'/cse-in/{name}/box/news')).resource['ri']}" for name in "abc"
    }
    assert {one["nfu"] for one in together} == {listener.url}
    assert listener.received == []


async def test_edge_19_notifications_are_collected_for_a_time(
    plant: Running, city: Client, clock: ManualClock, listener: Listener
) -> None:
    await city.update("/cse-in/g", {"m2m:grp": {"nar": {"num": 2, "dur": "PT5S"}}})
    await subscribe(city, listener.url)
    assert "vrq" in (await listener.next())["m2m:sgn"]
    await measure(city, "a", "b", "c")
    assert len(await collected(listener)) == 2
    await has_collected(plant, listener, 1)
    await clock.advance(4.9)
    assert listener.received == []
    await clock.advance(0.1)
    assert len(await collected(listener)) == 1


async def test_edge_19_who_unsubscribes_hears_no_more(plant: Running, city: Client, listener: Listener) -> None:
    await subscribe(city, listener.url)
    assert "vrq" in (await listener.next())["m2m:sgn"]
    await measure(city, "a")
    await has_collected(plant, listener, 1)
    assert set(codes(await city.delete("/cse-in/g/fopt/box/news")).values()) == {2002}
    assert len(await collected(listener)) == 1
    await measure(city, "a", "b", "c")
    group = (await city.get("/cse-in/g")).resource["ri"]
    stray = {"m2m:sgn": {"sur": "/id-in/sub1", "nfu": listener.url}}
    for sender in ("/id-in", "/id-mn", "Ca"):
        assert (await city.request("POST", f"/{group}", sender, content=stray)).rsc == 4103
    assert listener.received == []


async def test_edge_19_a_target_that_does_not_agree(city: Client, listener: Listener) -> None:
    listener.status_code = 4101
    assert (await subscribe(city, listener.url)).rsc == 5204
    assert (await city.get("/cse-in/a/box/news")).rsc == 4004


async def test_edge_19_without_forwarding_each_member_notifies_by_itself(city: Client, listener: Listener) -> None:
    assert set(codes(await subscribe(city, listener.url, nfu=None)).values()) == {4000}
    content = {"rn": "news", "nu": [listener.url], "nct": 3, "enc": {"net": [3]}}
    await city.create("/cse-in/g/fopt/box", 23, {"m2m:sub": content})
    for _ in range(3):
        assert "vrq" in (await listener.next())["m2m:sgn"]
    await measure(city, "a")
    assert "nev" in (await listener.next())["m2m:sgn"]


async def test_edge_19_what_has_been_collected_survives_a_restart(
    tmp_path: Path, clock: ManualClock, listener: Listener
) -> None:
    place = {"store": f"sqlite:///{tmp_path / 'cse.sqlite'}", "data_folder": str(tmp_path), "clock": clock}
    async with serving(**place) as cse:
        await meters(cse.client, "loopback")
        await subscribe(cse.client, listener.url)
        assert "vrq" in (await listener.next())["m2m:sgn"]
        await measure(cse.client, "a")
        await has_collected(cse, listener, 1)
    async with serving(**place) as cse:
        await measure(cse.client, "b")
        await has_collected(cse, listener, 2)
        await clock.advance(60)
        assert len(await collected(listener)) == 2


async def test_edge_19_a_stray_subscription_does_no_harm_to_others(
    plant: Running, city: Client, clock: ManualClock, listener: Listener
) -> None:
    """Whoever writes the group into nu by himself is heard as little as anybody else without a subscription there."""
    group = (await city.get("/cse-in/g")).resource["ri"]
    stray = {"rn": "stray", "nu": [f"/id-in/{group}"], "nct": 3, "enc": {"net": [3]}}
    assert (await city.create("/cse-in/a/box", 23, {"m2m:sub": stray}, "Ca")).rsc == 2001
    await measure(city, "a")
    await subscribe(city, listener.url)
    assert "vrq" in (await listener.next())["m2m:sgn"]
    await measure(city, "b", "c")
    await has_collected(plant, listener, 2)
