"""Subscribers that can't be reached for a while get everything once and in order, and keep nobody else waiting."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cse.testing.clock import ManualClock
from tests.programs import program
from tests.servers import Answer, Client, Listener, Running, eventually, hurrying, serving

BOX = "/cse-in/app/box"


@pytest.fixture
async def cse(clock: ManualClock) -> AsyncIterator[Running]:
    async with serving(clock=clock, notification_queue=3) as one:
        await prepare(one.client)
        yield one


@pytest.fixture
async def subscriber() -> Listener:
    """One that listens where it did when it is entered again."""
    one = Listener()
    async with one:
        return one


async def prepare(client: Client) -> None:
    await client.register("app")
    await client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "box"}}, "Capp")


async def subscribe(client: Client, target: str, rn: str = "news", **attributes: Any) -> None:
    answer = await client.create(BOX, 23, {"m2m:sub": {"rn": rn, "nu": [target], **attributes}}, "Capp")
    assert answer.rsc == 2001, answer


async def label(client: Client, *texts: str) -> None:
    for text in texts:
        assert (await client.update(BOX, {"m2m:cnt": {"lbl": [text]}}, "Capp")).rsc == 2004


def told(listener: Listener) -> list[str]:
    """What it was sent: labels, and what else notifications can be."""
    contents = [item.content["m2m:sgn"] for item in listener.received]
    return [one["nev"]["rep"]["m2m:cnt"]["lbl"][0] if "nev" in one else next(iter(one)) for one in contents]


@asynccontextmanager
async def away(cse: Running, subscriber: Listener, **attributes: Any) -> AsyncIterator[None]:
    """While nobody listens where notifications of `news` go, and one of the label `a` has been tried."""
    async with subscriber:
        await subscribe(cse.client, subscriber.url, **attributes)
    subscriber.received.clear()
    await label(cse.client, "a")
    await counted(cse, waiting=1, unreachable=1)
    yield


async def counted(cse: Running, **counts: int) -> None:
    """Return when the operator is told so of the notifications."""

    def agrees(answer: Answer) -> bool:
        return answer.content["notifications"].items() >= counts.items()

    await eventually(lambda: cse.client.get("/.cse/health"), agrees)


@pytest.mark.parametrize("policy", [{}, {"exc": 9}, {"pn": 2}])
async def test_who_comes_back_gets_everything_once_and_in_order(
    cse: Running, clock: ManualClock, subscriber: Listener, policy: dict[str, Any]
) -> None:
    async with subscriber:
        await subscribe(cse.client, subscriber.url, **policy)
    subscriber.received.clear()
    await label(cse.client, "a", "b", "c")
    await clock.advance(30)
    async with subscriber:
        await hurrying(clock, subscriber.wait(3), step=0.1)
        await label(cse.client, "d")
        await subscriber.wait(4)
        assert told(subscriber) == ["a", "b", "c", "d"]
        assert len({item.headers["X-M2M-RI"] for item in subscriber.received}) == 4


async def test_who_is_asked_again_is_told_first_what_waits_for_him(cse: Running, subscriber: Listener) -> None:
    async with away(cse, subscriber), subscriber:
        await subscribe(cse.client, subscriber.url, "more")
        assert told(subscriber) == ["a", "vrq"]


async def test_no_answer_waits_for_somebody_who_is_away(cse: Running, clock: ManualClock, subscriber: Listener) -> None:
    async with away(cse, subscriber, su=subscriber.url):
        before = clock.now()
        assert (await cse.client.delete(f"{BOX}/news", "Capp")).rsc == 2002
        assert clock.now() == before
        async with subscriber:
            await hurrying(clock, subscriber.wait(1))
            assert told(subscriber) == ["sud"]


async def test_what_waits_goes_with_its_subscription(cse: Running, clock: ManualClock, subscriber: Listener) -> None:
    async with away(cse, subscriber):
        await label(cse.client, "b")
        await cse.client.delete(f"{BOX}/news", "Capp")
        async with subscriber:
            await subscribe(cse.client, subscriber.url)
            await label(cse.client, "c")
            await subscriber.wait(2)
            assert told(subscriber) == ["vrq", "c"]


async def test_a_full_queue_loses_the_oldest_and_says_so(
    cse: Running, clock: ManualClock, subscriber: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    async with away(cse, subscriber):
        await label(cse.client, *"bcdef")
        await counted(cse, waiting=3, dropped=3)
        async with subscriber:
            await hurrying(clock, subscriber.wait(3), step=0.1)
            assert told(subscriber) == ["d", "e", "f"]
    assert len([record for record in caplog.records if "notification_queue" in record.getMessage()]) == 1


@pytest.mark.parametrize("subscriptions", [1, pytest.param(10, marks=pytest.mark.long)])
async def test_one_subscriber_of_many_keeps_nobody_waiting(
    clock: ManualClock, subscriber: Listener, subscriptions: int
) -> None:
    """There are a hundred of each subscription, and one is away."""
    async with serving(clock=clock) as cse, Listener() as others:
        await prepare(cse.client)
        async with subscriber:
            for number in range(subscriptions):
                targets = [f"{others.url}/{number}/{place}" for place in range(99)]
                await subscribe(cse.client, "", f"news{number}", nu=[*targets, subscriber.url])
        others.received.clear()
        before = clock.now()
        await label(cse.client, "a", "b")
        await others.wait(2 * 99 * subscriptions)
        await counted(cse, waiting=2 * subscriptions, unreachable=1)
        assert clock.now() == before
        assert len({item.headers["X-M2M-RI"] for item in others.received}) == 2 * 99 * subscriptions


async def test_what_was_sent_before_a_crash_is_sent_again_under_the_same_identifier(
    tmp_path: Path, listener: Listener
) -> None:
    """To a URL, out of a queue of the subscription, and to a member of a group."""
    async with program(tmp_path) as server:
        client = server.client
        await prepare(client)
        await client.register("member", f"{listener.url}/member")
        await client.create("/cse-in", 9, {"m2m:grp": {"rn": "all", "mnm": 1, "mid": ["Cmember"]}})
        await subscribe(client, listener.url)
        await subscribe(client, f"{listener.url}/kept", "kept", pn=2)
        await subscribe(client, "cse-in/all/fopt", "group")
        listener.silent = True
        listener.received.clear()
        await label(client, "a")
        before = {item.path: item.headers["X-M2M-RI"] for item in await listener.wait(3)}
        await server.kill()
        listener.silent = False
        listener.received.clear()
        await server.start()
        after = {item.path: item.headers["X-M2M-RI"] for item in await listener.wait(3)}
        assert after == before
        assert before.keys() == {"/inbox", "/inbox/kept", "/inbox/member"}
        listener.answer_all()
