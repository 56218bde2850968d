"""Resources end at their expirationTime, and those who watch them are told."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cse.testing.clock import ManualClock
from cse.timing import timestamp
from tests.servers import Client, Listener, eventually, hurrying, serving


@pytest.fixture
async def app(clean_log: None, clock: ManualClock, listener: Listener) -> AsyncIterator[Client]:
    """AE Capp at the listener, on a server with the clock of the test."""
    async with serving(clock=clock) as cse:
        await cse.client.register("app", listener.url)
        yield cse.client


async def create(client: Client, clock: ManualClock, name: str, seconds: float, path: str = "/cse-in/app") -> Any:
    content = {"m2m:cnt": {"rn": name, "et": timestamp(clock.now() + seconds)}}
    answer = await client.create(path, 3, content, "Capp")
    assert answer.rsc == 2001
    return answer.resource


async def subscribe(client: Client, path: str, **attributes: Any) -> None:
    content = {"m2m:sub": {"nu": ["Capp"]} | attributes}
    assert (await client.create(path, 23, content, "Capp")).rsc == 2001


async def becomes(client: Client, path: str, **attributes: Any) -> None:
    """Wait until a resource has these attributes, as long as it takes."""
    await eventually(lambda: client.get(path), lambda answer: answer.resource.items() >= attributes.items())


async def test_a_resource_is_there_until_its_time_is_over(app: Client, clock: ManualClock) -> None:
    box = await create(app, clock, "box", 5)
    await clock.advance(4.9)
    assert (await app.get("/cse-in/app/box", "Capp")).resource == box
    await clock.advance(0.1)
    for path in ("/cse-in/app/box", f"/{box['ri']}", "/cse-in/app/box/la"):
        assert (await app.get(path, "Capp")).rsc == 4004


async def test_fractions_of_a_second_count_and_are_kept(app: Client, clock: ManualClock) -> None:
    for name, fraction in (("a", ",845540"), ("b", ".9Z"), ("c", "")):
        content = {"m2m:cnt": {"rn": name, "et": timestamp(clock.now() + 5) + fraction}}
        made = (await app.create("/cse-in/app", 3, content, "Capp")).resource
        assert made["et"] == timestamp(clock.now() + 5) + fraction.replace(".", ",").rstrip("Z")
        below = (await app.create(f"/cse-in/app/{name}", 3, {"m2m:cnt": {"et": "99990101T000000"}}, "Capp")).resource
        assert below["et"] == made["et"]
    for seconds, there in ((4.999, "abc"), (0.001, "ab"), (0.845, "ab"), (0.00054, "b"), (0.05446, "")):
        await clock.advance(seconds)
        assert [name for name in "abc" if (await app.get(f"/cse-in/app/{name}", "Capp")).rsc == 2000] == list(there)


async def test_without_an_end_it_gets_the_usual_one(app: Client, clock: ManualClock) -> None:
    await create(app, clock, "box", 5)
    usual = (await app.create("/cse-in/app", 3, {"m2m:cnt": {}}, "Capp")).resource["et"]
    changed = await app.update("/cse-in/app/box", {"m2m:cnt": {"et": None}}, "Capp")
    assert (changed.rsc, changed.resource["et"]) == (2004, usual)


async def test_the_end_is_told_as_a_deletion(app: Client, clock: ManualClock, listener: Listener) -> None:
    box = await create(app, clock, "box", 5)
    await subscribe(app, "/cse-in/app/box", enc={"net": [2]})
    await subscribe(app, "/cse-in/app", enc={"net": [4]})
    told = [(await hurrying(clock, listener.next()))["m2m:sgn"]["nev"] for _ in range(2)]
    assert {event["net"] for event in told} == {2, 4}
    assert all(event["rep"]["m2m:cnt"]["ri"] == box["ri"] for event in told)


async def test_a_subscription_ends_too_and_its_subscriber_is_told(
    app: Client, clock: ManualClock, listener: Listener
) -> None:
    await subscribe(app, "/cse-in/app", su="Capp", et=timestamp(clock.now() + 3))
    assert (await hurrying(clock, listener.next()))["m2m:sgn"]["sud"] is True
    assert (await app.update("/cse-in/app", {"m2m:ae": {"lbl": ["a"]}}, "Capp")).rsc == 2004
    assert (await app.get("/cse-in/app?fu=1&ty=23", "Capp")).content == {"m2m:uril": []}


async def test_children_end_with_their_parent(app: Client, clock: ManualClock) -> None:
    await create(app, clock, "box", 5)
    inner = await create(app, clock, "inner", 1000, "/cse-in/app/box")
    assert inner["et"] == (await app.get("/cse-in/app/box", "Capp")).resource["et"]
    await clock.advance(7.0)
    assert (await app.get(f"/{inner['ri']}", "Capp")).rsc == 4004


async def test_a_later_end_can_be_given_in_time(app: Client, clock: ManualClock) -> None:
    await create(app, clock, "box", 5)
    await app.update("/cse-in/app/box", {"m2m:cnt": {"et": timestamp(clock.now() + 20)}}, "Capp")
    await clock.advance(10.0)
    assert (await app.get("/cse-in/app/box", "Capp")).rsc == 2000


async def test_instances_live_as_long_as_the_container_says(app: Client, clock: ManualClock) -> None:
    await app.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "box", "mia": 4}}, "Capp")
    for content in "12":
        await app.create("/cse-in/app/box", 4, {"m2m:cin": {"con": content}}, "Capp")
        await clock.advance(3.0)
    assert (await app.get("/cse-in/app/box/ol", "Capp")).resource["con"] == "2"
    await hurrying(clock, becomes(app, "/cse-in/app/box", cni=0, cbs=0))
    assert (await app.get("/cse-in/app/box/la", "Capp")).rsc == 4004


async def test_an_application_that_ended_can_register_anew(app: Client, clock: ManualClock) -> None:
    await app.register("brief", et=timestamp(clock.now() + 3))
    await app.create("/cse-in", 9, {"m2m:grp": {"rn": "group", "mnm": 5, "mid": ["Cbrief", "Capp"]}})
    await hurrying(clock, becomes(app, "/cse-in/group", mid=["Capp"]))
    assert (await app.register("brief")).rsc == 2001


async def test_many_that_end_at_once_all_go(app: Client, clock: ManualClock) -> None:
    for number in range(250):
        await create(app, clock, f"box{number}", 5)
    await clock.advance(8.0)
    assert (await app.get("/cse-in/app?fu=1", "Capp")).content == {"m2m:uril": []}
