"""Notifications through a whole server: policies across restarts, targets that are silent, what can be watched."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from cse.testing.clock import ManualClock
from tests.servers import Answer, Client, Listener, Running, eventually, hurrying, serving

BOX = "/cse-in/app/box"


@pytest.fixture
async def app(client: Client, listener: Listener) -> Client:
    """AE Capp, at the listener, with a container cse-in/app/box."""
    return await prepare(client, listener)


async def prepare(client: Client, listener: Listener) -> Client:
    await client.register("app", listener.url)
    await client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "box"}}, "Capp")
    return client


async def subscribe(client: Client, path: str = BOX, originator: str = "Capp", **attributes: Any) -> Answer:
    content = {"rn": "news", "nu": ["Capp"]} | attributes
    answer = await client.create(path, 23, {"m2m:sub": content}, originator)
    assert answer.rsc == 2001, answer
    return answer


async def label(client: Client, *texts: str) -> None:
    for text in texts:
        assert (await client.update(BOX, {"m2m:cnt": {"lbl": [text]}}, "Capp")).rsc == 2004


def labels(content: Any) -> list[str]:
    """The labels in a notification, or in a batch of them."""
    batch = content["m2m:agn"]["m2m:sgn"] if "m2m:agn" in content else [content["m2m:sgn"]]
    return [item["nev"]["rep"]["m2m:cnt"]["lbl"][0] for item in batch]


async def distinct(listener: Listener) -> dict[str, Any]:
    """What it was sent by request identifier: what has not been answered in time comes again under the same."""
    return {item.headers["X-M2M-RI"]: item.content for item in listener.received}


async def nothing_is_under_way(cse: Running) -> None:
    """Wait until every notification that could be sent has been, or has been given up for now."""
    await eventually(cse.snapshot, lambda durable: durable[-1] == [])


class TestRestart:
    """The server stops in the middle, and goes on with the same store and the same clock."""

    @pytest.fixture
    def server(self, tmp_path: Path, clock: ManualClock) -> Any:
        def start() -> AbstractAsyncContextManager[Running]:
            store = f"sqlite:///{tmp_path}/cse.sqlite"
            return serving(clock=clock, store=store, data_folder=str(tmp_path))

        return start

    async def test_in_the_middle_of_a_batch(self, server: Any, clock: ManualClock, listener: Listener) -> None:
        async with server() as cse:
            await prepare(cse.client, listener)
            await subscribe(cse.client, bn={"num": 3, "dur": "PT1M"})
            await label(cse.client, "a", "b")
        async with server() as cse:
            await label(cse.client, "c", "d")
            assert labels(await listener.next()) == ["a", "b", "c"]
            await nothing_is_under_way(cse)
        async with server():
            await clock.advance(60)
            assert labels(await listener.next()) == ["d"]

    async def test_while_notifications_wait_for_their_window(
        self, server: Any, clock: ManualClock, listener: Listener
    ) -> None:
        async with server() as cse:
            await prepare(cse.client, listener)
            await subscribe(cse.client, rl={"mnn": 1, "tww": "PT1H"})
            await label(cse.client, "a", "b", "c")
            assert labels(await listener.next()) == ["a"]
            await nothing_is_under_way(cse)
        async with server() as cse:
            for text in "bc":
                await clock.advance(3600)
                assert labels(await listener.next()) == [text]
            await nothing_is_under_way(cse)
        assert listener.received == []

    async def test_while_the_target_is_away(self, server: Any, clock: ManualClock, listener: Listener) -> None:
        async with server() as cse:
            await prepare(cse.client, listener)
            await subscribe(cse.client, pn=2)
            listener.silent = True
            await label(cse.client, "a", "b")
            await hurrying(clock, nothing_is_under_way(cse))
        listener.answer_all()
        listener.received.clear()
        async with server() as cse:
            await label(cse.client, "c")
            await hurrying(clock, eventually(lambda: distinct(listener), lambda told: len(told) == 3), step=0.5)
            assert [labels(content) for content in (await distinct(listener)).values()] == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize("monitor", [{"ops": 2, "or": "Capp"}, {"ops": 2, "org": "Capp"}])
async def test_retrievals_are_monitored(app: Client, listener: Listener, monitor: dict[str, Any]) -> None:
    await subscribe(app, enc={"om": [monitor]})
    await app.get(BOX)
    await app.get(BOX, "Cstranger")
    await app.get(BOX, "Capp")
    happening = (await listener.next())["m2m:sgn"]["nev"]
    assert happening["om"] == ({"op": 2, "or": "Capp"} if "or" in monitor else {"ops": 2, "org": "Capp"})
    assert happening["rep"]["m2m:cnt"]["rn"] == "box"
    assert listener.received == []


async def test_every_operation_of_an_originator_is_monitored(app: Client, listener: Listener) -> None:
    async with Listener() as other:
        await subscribe(app, "/cse-in/app", nu=[other.url], enc={"om": [{"or": "CAdmin"}]})
        await app.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "new"}})
        await app.get("/cse-in/app?fu=1")
        await app.update("/cse-in/app", {"m2m:ae": {"lbl": ["x"]}})
        await app.request("POST", "/cse-in/app", content={"m2m:sgn": {"sur": "x"}})
        await app.delete("/cse-in/app/new")
        await app.delete("/cse-in/app")
        _, *told = [item.content["m2m:sgn"] for item in await other.wait(6)]
        assert [item["nev"]["om"]["op"] for item in told] == [1, 2, 3, 5, 4]


async def test_who_looks_for_an_instance_where_there_is_none_is_noticed(app: Client, listener: Listener) -> None:
    await subscribe(app, enc={"net": [5]})
    for place in ("la", "ol"):
        assert (await app.get(f"{BOX}/{place}", "Cstranger")).rsc == 4004
        answer = await app.get(f"{BOX}/{place}", "Capp")
        assert (answer.status, answer.rsc) == (404, 4004)
        happening = (await listener.next())["m2m:sgn"]["nev"]
        assert (happening["net"], happening["rep"]["m2m:cnt"]["rn"]) == (5, "box")
    await app.create(BOX, 4, {"m2m:cin": {"con": "1"}}, "Capp")
    await app.get(f"{BOX}/la", "Capp")
    assert listener.received == []


async def test_the_target_is_asked_about_the_subscription_that_is_then_made(app: Client) -> None:
    async with Listener() as other:
        made = (await subscribe(app, nu=[other.url])).resource
        assert (await other.next())["m2m:sgn"]["sur"] == f"/id-in/{made['ri']}"


async def test_who_is_asked_has_been_told_what_happened_before(app: Client) -> None:
    async with Listener() as other:
        await subscribe(app, nu=[other.url], enc={"net": [1, 3]})
        for number in range(5):
            await label(app, "a")
            await subscribe(app, rn=f"s{number}", enc={"net": [2]})
            await app.update(f"{BOX}/s{number}", {"m2m:sub": {"nu": [other.url]}}, "Capp")
        first, *told = [next(iter(item.content["m2m:sgn"])) for item in await other.wait(16)]
        assert first == "vrq"
        assert told == ["nev", "nev", "vrq"] * 5


async def test_the_subscriber_knows_of_the_end_before_the_answer(app: Client) -> None:
    async with Listener() as other:
        for path in (f"{BOX}/news", BOX):
            await subscribe(app, su=other.url)
            await app.delete(path, "Capp")
            (told,) = other.received
            assert told.content["m2m:sgn"]["sud"] is True
            other.received.clear()


async def test_a_subscriber_that_is_silent_in_the_end_does_not_keep_the_answer_for_long(
    clean_log: None, clock: ManualClock, listener: Listener
) -> None:
    async with serving(clock=clock) as cse:
        await prepare(cse.client, listener)
        await subscribe(cse.client, su="Capp")
        listener.silent = True
        before = clock.now()
        answer = await hurrying(clock, cse.client.delete(f"{BOX}/news", "Capp"), step=0.1)
        assert answer.rsc == 2002
        assert clock.now() < before + 3
        listener.answer_all()


async def test_subscriptions_that_are_made_through_a_group_are_verified(app: Client, listener: Listener) -> None:
    await app.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "other"}}, "Capp")
    members = ["cse-in/app/box", "cse-in/app/other"]
    await app.create("/cse-in/app", 9, {"m2m:grp": {"rn": "boxes", "mnm": 5, "mid": members}}, "Capp")
    async with Listener() as willing, Listener(status_code=4101) as unwilling:
        for target, rsc in ((willing, 2001), (unwilling, 5204)):
            content = {"m2m:sub": {"nu": [target.url]}}
            answer = await app.create("/cse-in/app/boxes/fopt", 23, content, "Capp")
            assert [item["rsc"] for item in answer.content["m2m:agr"]["m2m:rsp"]] == [rsc, rsc]
            assert len({item.content["m2m:sgn"]["sur"] for item in await target.wait(2)}) == 2


@pytest.fixture
async def silent() -> AsyncIterator[list[Listener]]:
    """Three targets that do not answer after they have been subscribed."""
    listeners = [Listener() for _ in range(3)]
    for one in listeners:
        await one.__aenter__()
    yield listeners
    for one in listeners:
        await one.__aexit__()


async def test_silent_targets_share_what_is_left_to_them(
    clean_log: None, clock: ManualClock, listener: Listener, silent: list[Listener]
) -> None:
    async with serving(clock=clock, parallel_notifications=2) as cse:
        app = await prepare(cse.client, listener)
        for number, one in enumerate(silent):
            await subscribe(app, nu=[one.url], rn=f"s{number}")
            one.silent = True
        await label(app, "a")
        await hurrying(clock, asyncio.gather(*(one.wait(3) for one in silent)))
        await hurrying(clock, asyncio.sleep(0.2), step=6)
        await subscribe(app)
        await label(app, "b", "c")
        assert [labels(item.content) for item in await listener.wait(2)] == [["b"], ["c"]]
        for one in silent:
            one.answer_all()


async def test_notifications_can_go_to_the_members_of_a_group(app: Client, listener: Listener) -> None:
    async with Listener() as first, Listener() as second:
        await app.register("first", first.url)
        await app.register("second", second.url)
        await app.create("/cse-in", 9, {"m2m:grp": {"rn": "all", "mnm": 5, "mid": ["Cfirst", "Csecond"]}})
        await subscribe(app, nu=["cse-in/all/fopt"])
        await label(app, "a")
        for one in (first, second):
            told = [item.content["m2m:sgn"] for item in await one.wait(2)]
            assert [list(item) for item in told] == [["vrq", "sur", "cr"], ["nev", "sur", "cr"]]


async def test_statistics_count_what_was_sent(app: Client, listener: Listener) -> None:
    await subscribe(app, nse=True)
    await label(app, "a", "b")
    await listener.wait(2)
    counted = {"tg": "Capp", "rqs": 2, "rsr": 2, "noec": 2}
    await eventually(
        lambda: app.get(f"{BOX}/news", "Capp", X_M2M_RVI="4"), lambda answer: answer.resource.get("nsi") == [counted]
    )
