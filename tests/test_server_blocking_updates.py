"""Updates that wait until the notified entity agrees, while the resource is locked for others."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cse.testing.clock import ManualClock
from tests.servers import Answer, Client, Listener, hurrying, serving

BOX = "/cse-in/app/box"


@pytest.fixture
async def app(clean_log: None, clock: ManualClock, listener: Listener) -> AsyncIterator[Client]:
    """Cguard, at the listener, has to agree to updates of the container of Capp."""
    async with serving(clock=clock) as cse:
        client = cse.client
        await client.register("guard", listener.url)
        await client.register("app")
        await client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "box"}}, "Capp")
        subscription = {"rn": "guarded", "nu": ["Cguard"], "enc": {"net": [7], "atr": ["lbl"]}}
        answer = await client.create(BOX, 23, {"m2m:sub": subscription}, "Capp")
        assert answer.resource["nct"] == 2
        assert (await listener.next())["m2m:sgn"]["vrq"]
        yield client


async def label(app: Client, text: str) -> Answer:
    return await app.update(BOX, {"m2m:cnt": {"lbl": [text]}}, "Capp")


async def labels(app: Client) -> Any:
    return (await app.get(BOX, "Capp")).resource.get("lbl")


async def test_an_update_that_is_agreed_to_is_carried_out(app: Client, listener: Listener) -> None:
    assert (await label(app, "red")).rsc == 2004
    happening = (await listener.next())["m2m:sgn"]["nev"]
    assert happening == {"net": 7, "rep": {"m2m:cnt": {"lbl": ["red"]}}}
    assert await labels(app) == ["red"]


async def test_an_update_of_something_else_is_not_asked_about(app: Client, listener: Listener) -> None:
    assert (await app.update(BOX, {"m2m:cnt": {"mni": 3}}, "Capp")).rsc == 2004
    assert listener.received == []


@pytest.mark.parametrize("status_code", [4005, 4103, 5000])
async def test_an_update_that_is_denied_changes_nothing(app: Client, listener: Listener, status_code: int) -> None:
    listener.status_code = status_code
    answer = await label(app, "red")
    assert (answer.status, answer.rsc) == (403, 4127)
    assert "Cguard" in answer.debug
    assert await labels(app) is None
    listener.status_code = 2000
    assert (await label(app, "blue")).rsc == 2004


async def test_nobody_answers(app: Client, listener: Listener, clock: ManualClock) -> None:
    listener.silent = True
    answer = await hurrying(clock, label(app, "red"))
    assert (answer.status, answer.rsc) == (404, 5107)
    assert len(listener.received) == 1
    assert await labels(app) is None


async def test_an_update_that_is_wrong_anyway_is_not_asked_about(app: Client, listener: Listener) -> None:
    assert (await app.update(BOX, {"m2m:cnt": {"lbl": 7}}, "Capp")).rsc == 4000
    assert (await app.update(BOX, {"m2m:cnt": {"lbl": ["red"]}}, "Cstranger")).rsc == 4103
    assert listener.received == []


@pytest.mark.parametrize("operation", ["PUT", "DELETE"])
async def test_others_wait_meanwhile_and_readers_see_what_was_before(
    app: Client, listener: Listener, operation: str
) -> None:
    listener.silent = True
    first = asyncio.create_task(label(app, "red"))
    await listener.wait(1)
    content = {"m2m:cnt": {"mni": 3}} if operation == "PUT" else None
    second = asyncio.create_task(app.request(operation, BOX, "Capp", content=content))
    assert await labels(app) is None
    assert not second.done()
    listener.answer_all()
    assert (await first).rsc == 2004
    assert (await second).rsc in (2004, 2002)


async def test_updates_are_asked_about_one_after_another(app: Client, listener: Listener) -> None:
    answers = await asyncio.gather(*(label(app, text) for text in "abcde"))
    assert [answer.rsc for answer in answers] == [2004] * 5
    asked = [item.content["m2m:sgn"]["nev"]["rep"]["m2m:cnt"]["lbl"] for item in listener.received]
    assert sorted(asked) == [["a"], ["b"], ["c"], ["d"], ["e"]]
    assert await labels(app) == asked[-1]


async def test_who_waits_for_too_long_gives_up(app: Client, listener: Listener, clock: ManualClock) -> None:
    listener.silent = True
    first = asyncio.create_task(label(app, "red"))
    await listener.wait(1)
    others = [asyncio.create_task(label(app, text)) for text in "ab"]
    answers = await hurrying(clock, asyncio.gather(first, *others))
    assert answers[0].rsc == 5107
    assert {answer.rsc for answer in answers[1:]} <= {5107, 4008}


async def test_members_of_a_group_are_asked_about_as_well(app: Client, listener: Listener) -> None:
    await app.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "other"}}, "Capp")
    group = {"rn": "boxes", "mnm": 5, "mid": ["cse-in/app/box", "cse-in/app/other"]}
    await app.create("/cse-in/app", 9, {"m2m:grp": group}, "Capp")
    listener.status_code = 4005
    answer = await app.update("/cse-in/app/boxes/fopt", {"m2m:cnt": {"lbl": ["red"]}}, "Capp")
    items = {item["fr"]: item["rsc"] for item in answer.content["m2m:agr"]["m2m:rsp"]}
    assert items == {"cse-in/app/box": 4127, "cse-in/app/other": 2004}
    assert len(listener.received) == 1


async def test_a_second_one_that_blocks_is_refused(app: Client, listener: Listener) -> None:
    content = {"m2m:sub": {"nu": ["Cguard"], "enc": {"net": [7]}}}
    answer = await app.create(BOX, 23, content, "Capp")
    assert (answer.status, answer.rsc) == (409, 4124)
    assert listener.received == []
