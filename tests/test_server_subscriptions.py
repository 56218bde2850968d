"""Subscriptions: who is asked before, what is told to whom, and when it ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cse.testing.clock import ManualClock
from tests.servers import Answer, Client, Listener, Running, eventually, hurrying, serving

UPDATED, DELETED, CHILD_CREATED, CHILD_DELETED = 1, 2, 3, 4


@pytest.fixture
async def app(client: Client, listener: Listener) -> Client:
    """AE Capp, at the listener, with a container cse-in/app/box."""
    return await prepare(client, listener)


async def prepare(client: Client, listener: Listener) -> Client:
    await client.register("app", listener.url)
    await client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "box"}}, "Capp")
    return client


async def subscribe(client: Client, *targets: str, path: str = "/cse-in/app/box", **attributes: Any) -> Answer:
    content = {"rn": "news", "nu": list(targets or ["Capp"])} | attributes
    return await client.create(path, 23, {"m2m:sub": content}, "Capp")


async def fill(client: Client, content: str) -> Answer:
    return await client.create("/cse-in/app/box", 4, {"m2m:cin": {"con": content}}, "Capp")


async def label(client: Client, *labels: str, **attributes: Any) -> Answer:
    return await client.update("/cse-in/app/box", {"m2m:cnt": {"lbl": list(labels)} | attributes}, "Capp")


async def event(listener: Listener) -> dict[str, Any]:
    notification = (await listener.next())["m2m:sgn"]
    assert isinstance(notification, dict)
    return notification


async def test_updates_are_told_with_all_attributes(app: Client, listener: Listener) -> None:
    subscription = (await subscribe(app)).resource
    assert subscription["nct"] == 1
    box = (await label(app, "red")).resource
    await listener.wait(1)
    headers = listener.received[0].headers
    assert headers["X-M2M-Origin"] == "/id-in"
    assert headers["X-M2M-RI"]
    assert "ty=" not in headers["Content-Type"]
    assert await event(listener) == {
        "nev": {"net": UPDATED, "rep": {"m2m:cnt": box}},
        "sur": f"/id-in/{subscription['ri']}",
    }


async def test_only_the_events_that_are_wanted_are_told(app: Client, listener: Listener) -> None:
    await subscribe(app, enc={"net": [CHILD_CREATED, CHILD_DELETED]})
    await label(app, "red")
    instance = (await fill(app, "42")).resource
    created = await event(listener)
    assert created["nev"] == {"net": CHILD_CREATED, "rep": {"m2m:cin": instance}}
    await app.delete("/cse-in/app/box/la", "Capp")
    deleted = await event(listener)
    assert deleted["nev"]["net"] == CHILD_DELETED
    assert deleted["nev"]["rep"]["m2m:cin"]["ri"] == instance["ri"]


async def test_instances_that_make_room_go_silently(app: Client, listener: Listener) -> None:
    await label(app, "red", mni=1)
    await subscribe(app, enc={"net": [CHILD_CREATED, CHILD_DELETED]})
    for content in ("1", "2"):
        await fill(app, content)
    events = [await event(listener) for _ in range(2)]
    assert [(item["nev"]["net"], item["nev"]["rep"]["m2m:cin"]["con"]) for item in events] == [(3, "1"), (3, "2")]


async def test_the_deletion_of_the_resource_is_told(app: Client, listener: Listener) -> None:
    await subscribe(app, enc={"net": [DELETED]})
    await app.delete("/cse-in/app/box", "Capp")
    told = await event(listener)
    assert (told["nev"]["net"], told["nev"]["rep"]["m2m:cnt"]["rn"]) == (DELETED, "box")


async def test_the_deletion_of_what_is_above_is_told(app: Client, listener: Listener) -> None:
    await app.create("/cse-in/app/box", 3, {"m2m:cnt": {"rn": "inner"}}, "Capp")
    await subscribe(app, listener.url, path="/cse-in/app/box/inner", enc={"net": [DELETED]})
    await listener.next()
    await app.delete("/cse-in/app/box", "Capp")
    assert (await event(listener))["nev"]["rep"]["m2m:cnt"]["rn"] == "inner"


async def test_modified_attributes_alone(app: Client, listener: Listener) -> None:
    await subscribe(app, nct=2)
    await label(app, "red", mni=7)
    assert (await event(listener))["nev"]["rep"] == {"m2m:cnt": {"lbl": ["red"], "mni": 7}}


async def test_the_identifier_alone(app: Client, listener: Listener) -> None:
    await subscribe(app, nct=3, enc={"net": [UPDATED, CHILD_CREATED]})
    box = (await label(app, "red")).resource
    instance = (await fill(app, "1")).resource
    assert (await event(listener))["nev"]["rep"] == {"m2m:uri": box["ri"]}
    assert (await event(listener))["nev"]["rep"] == {"m2m:uri": instance["ri"]}


@pytest.mark.parametrize(
    ("criteria", "told"),
    [
        ({"atr": ["mni"]}, ["second"]),
        ({"atr": ["mbs", "lbl"]}, ["first", "second"]),
        ({"crb": "20990101T000000"}, ["first", "second"]),
        ({"cra": "20990101T000000"}, []),
        ({"sts": 2}, ["first"]),
        ({"stb": 2}, ["second"]),
    ],
)
async def test_criteria_choose_among_updates(
    app: Client, listener: Listener, criteria: dict[str, Any], told: list[str]
) -> None:
    await subscribe(app, enc={"net": [UPDATED], **criteria})
    await subscribe(app, rn="all")
    await label(app, "first")
    await label(app, "second", mni=1)
    events = [await event(listener) for _ in range(2 + len(told))]
    news = (await app.get("/cse-in/app/box/news", "Capp")).resource["ri"]
    labels = [item["nev"]["rep"]["m2m:cnt"]["lbl"][0] for item in events if item["sur"].endswith(news)]
    assert labels == told


async def test_criteria_choose_among_children(app: Client, listener: Listener) -> None:
    await subscribe(app, enc={"net": [CHILD_CREATED], "chty": [4], "sza": 3})
    await app.create("/cse-in/app/box", 3, {"m2m:cnt": {"rn": "inner"}}, "Capp")
    await fill(app, "12")
    await fill(app, "123")
    assert (await event(listener))["nev"]["rep"]["m2m:cin"]["con"] == "123"


async def test_every_target_is_told_once_and_in_order(app: Client, listener: Listener) -> None:
    async with Listener() as other:
        await subscribe(app, "Capp", other.url, enc={"net": [CHILD_CREATED]})
        assert "vrq" in (await other.next())["m2m:sgn"]
        for number in range(10):
            await fill(app, str(number))
        for one in (listener, other):
            received = await one.wait(10)
            contents = [item.content["m2m:sgn"]["nev"]["rep"]["m2m:cin"]["con"] for item in received]
            assert contents == list("0123456789")


async def test_a_silent_target_does_not_hold_up_others(app: Client, listener: Listener) -> None:
    async with Listener() as silent:
        await subscribe(app, silent.url, rn="first")
        await silent.next()
        silent.silent = True
        await subscribe(app, rn="second")
        await label(app, "red")
        assert (await event(listener))["nev"]["net"] == UPDATED


async def test_the_event_category_goes_out_with_the_notification(app: Client, listener: Listener) -> None:
    await subscribe(app, nec=4)
    await label(app, "red")
    (notification,) = await listener.wait(1)
    assert notification.headers["X-M2M-EC"] == "4"


async def test_the_subscriber_itself_is_not_asked(app: Client, listener: Listener) -> None:
    for target in ("Capp", "cse-in/app", "/id-in/Capp", "//cse.example/id-in/cse-in/app"):
        await subscribe(app, target, rn=target.replace("/", "."))
    assert listener.received == []


async def test_another_target_is_asked_and_told(app: Client) -> None:
    async with Listener() as other:
        await app.register("other", other.url)
        answer = await subscribe(app, "Cother")
        assert answer.rsc == 2001
        assert answer.resource["cr"] == "Capp"
        question = (await other.next())["m2m:sgn"]
        assert (question["vrq"], question["cr"]) == (True, "Capp")
        await label(app, "red")
        assert (await event(other))["nev"]["net"] == UPDATED


@pytest.mark.parametrize("status_code", [4101, 5205, 4103])
async def test_a_target_that_refuses_is_not_subscribed(cse: Running, app: Client, status_code: int) -> None:
    async with Listener(status_code=status_code) as other:
        await app.register("other", other.url)
        before = await cse.snapshot()
        answer = await subscribe(app, "Capp", "Cother")
        assert (answer.status, answer.rsc) == (500, 5204)
        assert "Cother" in answer.debug
        assert await cse.snapshot() == before


async def test_a_plain_web_server_accepts_by_any_success(app: Client) -> None:
    async with Listener(status_code=None) as other:
        assert (await subscribe(app, f"{other.url}?ct=json")).rsc == 2001
        await other.next()
        await label(app, "red")
        assert (await event(other))["nev"]["net"] == UPDATED
        await fill(app, "1")


async def test_a_target_that_names_itself_in_its_answers_is_heard(app: Client) -> None:
    async with Listener(headers={"X-M2M-Origin": "Csomebody"}) as other:
        assert (await subscribe(app, other.url)).rsc == 2001


async def test_nobody_is_asked_about_a_subscription_that_can_not_be_made(app: Client) -> None:
    async with Listener() as other:
        assert (await subscribe(app, other.url, nct=2, enc={"net": [3]})).rsc == 4000
        assert (await subscribe(app, other.url, nonsense=1)).rsc == 4000
        content = {"m2m:sub": {"nu": [other.url]}}
        assert (await app.create("/cse-in/app/box", 23, content, "Cstranger")).rsc == 4103
        assert other.received == []


@pytest.fixture
async def patient(clean_log: None, clock: ManualClock, listener: Listener) -> AsyncIterator[Client]:
    """The same as `app`, on a server with the clock of the test."""
    async with serving(clock=clock) as cse:
        yield await prepare(cse.client, listener)


async def test_a_silent_target_is_not_subscribed(patient: Client, clock: ManualClock) -> None:
    async with Listener(silent=True) as other:
        answer = await hurrying(clock, subscribe(patient, other.url))
        assert answer.rsc == 5204
        assert len(other.received) == 2
    assert (await patient.get("/cse-in/app/box/news", "Capp")).rsc == 4004


@pytest.mark.parametrize(
    "target", ["Cnobody", "cse-in/app/box", "http://127.0.0.1:1/", "http://192.0.2.1/", "mqtt://x"]
)
async def test_a_target_that_can_not_be_reached_is_not_subscribed(
    patient: Client, clock: ManualClock, target: str
) -> None:
    answer = await hurrying(clock, subscribe(patient, target))
    assert answer.rsc == 5204
    assert "nu" in answer.debug


async def test_new_targets_of_a_subscription_are_asked_too(app: Client, listener: Listener) -> None:
    await subscribe(app)
    async with Listener() as willing, Listener(status_code=4101) as unwilling:
        answer = await app.update("/cse-in/app/box/news", {"m2m:sub": {"nu": ["Capp", unwilling.url]}}, "Capp")
        assert answer.rsc == 5204
        answer = await app.update("/cse-in/app/box/news", {"m2m:sub": {"nu": ["Capp", willing.url]}}, "Capp")
        assert answer.rsc == 2004
        assert (await willing.next())["m2m:sgn"]["vrq"] is True
        answer = await app.update("/cse-in/app/box/news", {"m2m:sub": {"nu": [willing.url]}}, "Capp")
        assert answer.rsc == 2004
        await label(app, "red")
        assert (await event(willing))["nev"]["net"] == UPDATED
    assert listener.received == []


async def test_a_changed_subscription_tells_what_it_says_now(app: Client, listener: Listener) -> None:
    await subscribe(app)
    await app.update("/cse-in/app/box/news", {"m2m:sub": {"enc": {"net": [CHILD_CREATED]}, "nct": 3}}, "Capp")
    await label(app, "red")
    instance = (await fill(app, "1")).resource
    assert (await event(listener))["nev"] == {"net": CHILD_CREATED, "rep": {"m2m:uri": instance["ri"]}}


async def test_the_subscriber_is_told_that_the_subscription_is_deleted(app: Client, listener: Listener) -> None:
    subscription = (await subscribe(app, su="Capp")).resource
    await app.delete("/cse-in/app/box/news", "Capp")
    assert await event(listener) == {"sud": True, "sur": f"/id-in/{subscription['ri']}"}


async def test_the_subscriber_is_told_when_the_resource_goes_with_the_subscription(
    app: Client, listener: Listener
) -> None:
    await subscribe(app, su="Capp", exc=1, enc={"net": [DELETED]})
    await app.delete("/cse-in/app/box", "Capp")
    await app.request("POST", "/cse-in/app", content={"m2m:sgn": {"sur": "the end"}})
    told = [item.content["m2m:sgn"] for item in await listener.wait(3)]
    assert [("nev" in item, item.get("sud", False)) for item in told if item["sur"] != "the end"] == [
        (True, False),
        (False, True),
    ]


async def test_a_subscription_ends_with_its_last_notification(app: Client, listener: Listener) -> None:
    await subscribe(app, su="Capp", exc=2)
    await label(app, "1")
    await eventually(lambda: app.get("/cse-in/app/box/news", "Capp"), lambda answer: answer.resource["exc"] == 1)
    for text in "23":
        await label(app, text)
    events = [await event(listener) for _ in range(3)]
    assert [item["nev"]["rep"]["m2m:cnt"]["lbl"] for item in events[:2]] == [["1"], ["2"]]
    assert events[2]["sud"] is True
    assert (await app.get("/cse-in/app/box/news", "Capp")).rsc == 4004


async def test_a_notification_that_nobody_takes_is_dropped_in_the_end_and_the_next_is_tried(
    patient: Client, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with Listener() as other:
        await subscribe(patient, other.url)
        await other.next()
        other.silent = True
        await label(patient, "lost")
        await other.wait(1)
        await hurrying(clock, dropped(caplog), step=5)
        await label(patient, "heard")
        other.received.clear()
        other.silent = False
        await hurrying(clock, other.wait(1))
        assert (await event(other))["nev"]["rep"]["m2m:cnt"]["lbl"] == ["heard"]


async def dropped(caplog: pytest.LogCaptureFixture) -> None:
    """Return when the log says that a notification was dropped."""
    for _ in range(10_000):
        if any("dropped: it can't be reached" in record.getMessage() for record in caplog.records):
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it was never dropped")


async def test_a_subscription_below_another_subscription_is_refused(app: Client) -> None:
    await subscribe(app)
    answer = await subscribe(app, path="/cse-in/app/box/news")
    assert (answer.status, answer.rsc) == (403, 5203)


async def test_many_subscribers_of_one_event_are_told_at_the_same_time(app: Client) -> None:
    async with Listener() as first, Listener() as second:
        await asyncio.gather(subscribe(app, first.url, rn="one"), subscribe(app, second.url, rn="two"))
        await label(app, "red")
        for one in (first, second):
            notifications = [item.content["m2m:sgn"] for item in await one.wait(2)]
            assert [list(item) for item in notifications] == [["vrq", "sur", "cr"], ["nev", "sur"]]


async def test_what_was_sent_is_struck_off(cse: Running, app: Client, listener: Listener) -> None:
    await subscribe(app)
    for text in "123":
        await label(app, text)
    await listener.wait(3)
    await eventually(cse.snapshot, lambda durable: durable[-1] == [])
    assert len(listener.received) == 3
