"""Non-blocking requests: the acknowledgement, the <request> resource, and who is told about the result."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cse.testing.clock import ManualClock
from cse.timing import timestamp
from tests.servers import Answer, Client, Listener, eventually, hurrying, serving

COMPLETED, FAILED, PENDING = 1, 2, 3


@pytest.fixture
async def app(client: Client, listener: Listener) -> Client:
    """AE Capp at the listener."""
    await client.register("app", listener.url)
    return client


@pytest.fixture
async def patient(clean_log: None, clock: ManualClock, listener: Listener) -> AsyncIterator[Client]:
    """The same on a server with the clock of the test."""
    async with serving(clock=clock) as cse:
        await cse.client.register("app", listener.url)
        yield cse.client


async def create(client: Client, form: int, name: str = "box", originator: str = "Capp", **headers: Any) -> Answer:
    content = {"m2m:cnt": {"rn": name}}
    return await client.create(f"/cse-in/app?rt={form}", 3, content, originator, **headers)


async def ended(client: Client, identifier: str, originator: str = "Capp") -> dict[str, Any]:
    """The <request> resource once it has its result."""

    async def ask() -> dict[str, Any]:
        return (await client.get(f"/{identifier}", originator)).resource

    return await eventually(ask, lambda resource: resource["rs"] in (COMPLETED, FAILED))


async def test_the_result_of_a_synchronous_request_is_polled(app: Client) -> None:
    answer = await create(app, 1, X_M2M_RI="r-0003")
    assert (answer.status, answer.rsc) == (202, 1001)
    resource = await ended(app, answer.content["m2m:uri"])
    assert resource["rs"] == COMPLETED
    assert resource.items() >= {"ty": 17, "op": 1, "tg": "cse-in/app", "org": "Capp", "rid": "r-0003"}.items()
    assert resource["lbl"] == ["Capp"]
    assert resource["pc"] == {"m2m:cnt": {"rn": "box"}}
    assert resource["mi"].items() >= {"ty": 3, "rvi": "3", "rt": {"rtv": 1}}.items()
    result = resource["ors"]
    assert (result["rsc"], result["rqi"], result["to"]) == (2001, "r-0003", "Capp")
    assert result["pc"]["m2m:cnt"]["rn"] == "box"
    assert (await app.get("/cse-in/app/box", "Capp")).resource == result["pc"]["m2m:cnt"]
    assert not [name for name in resource if name.startswith("_")]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_every_operation_can_wait(app: Client, method: str) -> None:
    await create(app, 3)
    content = {"m2m:cnt": {"lbl": ["red"]}} if method == "PUT" else None
    answer = await app.request(method, "/cse-in/app/box?rt=1", "Capp", content=content)
    resource = await ended(app, answer.content["m2m:uri"])
    assert resource["rs"] == COMPLETED
    assert resource["ors"]["rsc"] == {"GET": 2000, "PUT": 2004, "DELETE": 2002}[method]


async def test_flexible_blocking_blocks(app: Client) -> None:
    assert (await create(app, 4)).rsc == 2001


async def test_a_request_that_fails_later_says_why(app: Client) -> None:
    for originator, rsc in (("Capp", 4105), ("Cstranger", 4103)):
        await create(app, 3)
        answer = await create(app, 1, originator=originator)
        assert answer.rsc == 1001
        resource = await ended(app, answer.content["m2m:uri"], originator)
        assert resource["rs"] == FAILED
        assert resource["ors"]["rsc"] == rsc
        assert resource["ors"]["pc"]["m2m:dbg"]


async def test_a_request_with_bad_parameters_is_refused_at_once(app: Client) -> None:
    assert (await create(app, 1, X_M2M_RET="20200101T000000")).rsc == 4008
    assert (await app.get("/cse-in?fu=1&ty=17")).content == {"m2m:uril": []}


async def test_the_request_resource_belongs_to_its_originator(app: Client) -> None:
    identifier = (await create(app, 1)).content["m2m:uri"]
    await ended(app, identifier)
    assert (await app.get(f"/{identifier}", "Cstranger")).rsc == 4103
    assert (await app.delete(f"/{identifier}", "Cstranger")).rsc == 4103
    assert (await app.update(f"/{identifier}", {"m2m:req": {"lbl": ["a"]}}, "Capp")).rsc == 4005
    assert (await app.get(f"/{identifier}?rt=1", "Capp")).rsc == 4000
    assert (await app.delete(f"/{identifier}", "Capp")).rsc == 2002
    assert (await app.get(f"/{identifier}", "Capp")).rsc == 4004


async def test_a_pending_request_can_be_watched_but_not_deleted(
    patient: Client, clock: ManualClock, listener: Listener
) -> None:
    listener.silent = True
    body = {"m2m:sgn": {"sur": "x"}}
    answer = await patient.request("POST", "/cse-in/app?rt=1", "Capp", content=body)
    identifier = answer.content["m2m:uri"]
    await listener.wait(1)
    pending = (await patient.get(f"/{identifier}", "Capp")).resource
    assert pending["rs"] == PENDING
    assert pending["ors"] == {"rsc": 1000, "rqi": pending["rid"]}
    refused = await patient.delete(f"/{identifier}", "Capp")
    assert (refused.status, refused.rsc) == (409, 5220)
    resource = await hurrying(clock, ended(patient, identifier))
    assert (resource["rs"], resource["ors"]["rsc"]) == (FAILED, 5103)
    assert (await patient.delete(f"/{identifier}", "Capp")).rsc == 2002


async def test_a_subscriber_is_told_when_the_request_has_ended(
    patient: Client, clock: ManualClock, listener: Listener
) -> None:
    async with Listener() as watcher:
        listener.silent = True
        answer = await patient.request("POST", "/cse-in/app?rt=1", "Capp", content={"m2m:sgn": {"sur": "x"}})
        path = f"/{answer.content['m2m:uri']}"
        subscription = {"m2m:sub": {"nu": [watcher.url], "enc": {"net": [1]}, "nct": 2}}
        assert (await patient.create(path, 23, subscription, "Capp")).rsc == 2001
        assert "vrq" in (await watcher.next())["m2m:sgn"]
        told = (await hurrying(clock, watcher.next()))["m2m:sgn"]
        assert told["nev"]["rep"]["m2m:req"]["rs"] == FAILED


async def test_an_asynchronous_result_goes_to_the_originator(app: Client, listener: Listener) -> None:
    answer = await create(app, 2, X_M2M_RI="r-0005")
    assert (answer.status, answer.rsc) == (202, 1002)
    result = (await listener.next())["m2m:rsp"]
    assert result.items() >= {"rsc": 2001, "rqi": "r-0005", "to": "Capp", "fr": "/id-in"}.items()
    assert result["pc"]["m2m:cnt"]["rn"] == "box"
    assert (await ended(app, answer.content["m2m:uri"]))["rs"] == COMPLETED


async def test_an_asynchronous_result_goes_to_the_targets_that_are_named(app: Client, listener: Listener) -> None:
    async with Listener() as first, Listener() as second:
        await app.register("second", second.url)
        await create(app, 2, X_M2M_RTU=f"{first.url}&Csecond")
        for one in (first, second):
            assert (await one.next())["m2m:rsp"]["rsc"] == 2001
    assert listener.received == []


async def test_an_asynchronous_failure_is_told_too(app: Client, listener: Listener) -> None:
    await create(app, 3)
    await create(app, 2)
    result = (await listener.next())["m2m:rsp"]
    assert result["rsc"] == 4105
    assert result["pc"]["m2m:dbg"]


async def test_an_empty_list_of_targets_means_that_nobody_is_told(app: Client, listener: Listener) -> None:
    silent = await create(app, 2, "silent", X_M2M_RTU="")
    await ended(app, silent.content["m2m:uri"])
    await create(app, 2, "told")
    assert (await listener.next())["m2m:rsp"]["pc"]["m2m:cnt"]["rn"] == "told"


@pytest.mark.parametrize("target", ["é", "a b", "///", "Cnobody", "http://127.0.0.1:1/x"])
async def test_targets_that_lead_nowhere_do_no_harm(app: Client, target: str) -> None:
    answer = await create(app, 2, X_M2M_RTU=target.encode().decode("latin-1"))
    assert answer.rsc == 1002
    assert (await ended(app, answer.content["m2m:uri"]))["rs"] == COMPLETED


async def test_a_registration_can_wait_too(client: Client) -> None:
    content = {"m2m:ae": {"api": "N.x", "rr": True, "srv": ["3"]}}
    for originator in (None, "Cnew"):
        for form in (1, 2):
            answer = await client.create(f"/cse-in?rt={form}", 2, content, originator)
            assert answer.rsc in (1001, 1002)
            await ended(client, answer.content["m2m:uri"], "CAdmin")


KEPT = [({"rp": "3000"}, {}, 3), ({"rp": "PT3S"}, {"X_M2M_RET": "2000"}, 3), ({}, {"X_M2M_RET": "2000"}, 2)]
KEPT += [({}, {"X_M2M_RET": "2000", "X_M2M_RST": "4000"}, 4), ({}, {}, 86400)]


@pytest.mark.parametrize(("query", "headers", "seconds"), KEPT)
async def test_a_result_is_kept_as_long_as_the_request_says(
    patient: Client, clock: ManualClock, query: dict[str, str], headers: dict[str, str], seconds: int
) -> None:
    arguments = "".join(f"&{name}={value}" for name, value in query.items())
    answer = await patient.get(f"/cse-in/app?rt=1{arguments}", "Capp", **headers)
    identifier = answer.content["m2m:uri"]
    assert answer.headers.get("X-M2M-RST") == headers.get("X_M2M_RST")
    await ended(patient, identifier)
    await clock.advance(seconds - 0.1)
    assert (await patient.get(f"/{identifier}", "Capp")).rsc == 2000
    await clock.advance(0.1)
    assert (await patient.get(f"/{identifier}", "Capp")).rsc == 4004


async def test_an_operation_is_carried_out_at_its_time(patient: Client, clock: ManualClock) -> None:
    answer = await create(patient, 1, X_M2M_OET="30000")
    identifier = answer.content["m2m:uri"]
    await clock.advance(29.9)
    waiting = (await patient.get(f"/{identifier}", "Capp")).resource
    assert (waiting["rs"], waiting["ors"]["rsc"], waiting["mi"]["oet"]) == (PENDING, 1000, "30000")
    assert (await patient.get("/cse-in/app/box", "Capp")).rsc == 4004
    assert (await patient.delete(f"/{identifier}", "Capp")).rsc == 5220
    await clock.advance(0.1)
    assert (await ended(patient, identifier))["ors"]["rsc"] == 2001
    created = (await patient.get("/cse-in/app/box", "Capp")).resource["ct"]
    assert created == timestamp(clock.now())


async def test_a_blocking_request_waits_for_its_time_within_reason(patient: Client, clock: ManualClock) -> None:
    start = clock.now()
    assert (await hurrying(clock, create(patient, 3, X_M2M_OET="4000"))).rsc == 2001
    assert clock.now() >= start + 4
    late = await create(patient, 3, "late", X_M2M_OET="PT11S")
    assert (late.rsc, "blocking_deadline" in late.content["m2m:dbg"]) == (4000, True)
    assert (await create(patient, 3, "past", X_M2M_OET="-5000")).rsc == 2001


async def test_flexible_requests_get_the_answer_that_is_there_first(patient: Client, listener: Listener) -> None:
    assert (await create(patient, 4)).rsc == 2001
    later = await create(patient, 4, "later", X_M2M_OET="9000")
    assert later.rsc == 1001
    told = await create(patient, 4, "told", X_M2M_OET="9000", X_M2M_RTU=listener.url)
    assert told.rsc == 1002
    assert (await patient.get(f"/{later.content['m2m:uri']}?rt=4", "Capp")).rsc == 2000
    await patient.create("/cse-in", 9, {"m2m:grp": {"rn": "all", "mnm": 1, "mid": ["cse-in/app"]}})
    assert list((await patient.get("/cse-in/all/fopt?rt=4")).content) == ["m2m:agr"]


async def test_a_result_has_the_release_and_the_vendor_information_of_its_request(
    app: Client, listener: Listener
) -> None:
    answer = await create(app, 2, X_M2M_VSI="mine", X_M2M_RVI="4")
    echoed = {"rvi": "4", "vsi": "mine"}
    assert (await ended(app, answer.content["m2m:uri"]))["ors"].items() >= echoed.items()
    assert (await listener.next())["m2m:rsp"].items() >= echoed.items()
