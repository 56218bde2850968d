"""Requests on their way through a CSE: what the next one gets, what comes back, and what never goes out."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cse.primitive import Operation, Request, ResponseType, ResultContent
from cse.timing import exact_timestamp
from tests.cse.neighbourhood import Neighbourhood, neighbourhood
from tests.servers import eventually

FAR = "/id-mn/cse-mn"


@pytest.fixture
async def around() -> AsyncIterator[Neighbourhood]:
    """`in`, and `mn` that is registered with it."""
    async with neighbourhood() as found:
        await found.start("in")
        await found.start("mn", "in")
        await found.registered("mn", "in")
        found.lanes["in"].sent.clear()
        yield found


def passed_on(around: Neighbourhood, name: str = "in") -> Request:
    """The last request that a server has sent."""
    return around.lanes[name].sent[-1][1]


@pytest.mark.parametrize(
    ("stated", "passed"),
    [
        ("Capp", "/id-in/Capp"),
        ("/id-in/Capp", "/id-in/Capp"),
        ("//cse.example/id-in/Capp", "/id-in/Capp"),
        ("Sapp", "/Sapp"),
        ("/id-in", "/id-in"),
        ("/id-mn/Capp", "/id-mn/Capp"),
        ("/id-x/Capp", "/id-x/Capp"),
        ("//other.example/id-x/Capp", "//other.example/id-x/Capp"),
    ],
)
async def test_the_originator_is_named_so_that_it_means_him_there(
    around: Neighbourhood, stated: str, passed: str
) -> None:
    await around.get("in", FAR, stated)
    assert passed_on(around).originator == passed


async def test_the_target_and_the_originator_for_another_service_provider(around: Neighbourhood) -> None:
    await around.introduce("in", "abroad", "lane://mn", spi="//other.example")
    await around.get("in", "//other.example/id-x/cse-x", "Capp")
    request = passed_on(around)
    assert (request.to, request.originator) == ("//other.example/id-x/cse-x", "//cse.example/id-in/Capp")
    await around.get("in", f"//cse.example{FAR}", "Capp")
    assert passed_on(around).to == FAR


async def test_everything_else_is_passed_on_as_it_is(around: Neighbourhood) -> None:
    stated: dict[str, Any] = {
        "request_identifier": "mine",
        "result_content": ResultContent.CHILD_REFERENCES,
        "filters": {"fu": ["1"], "lbl": ["a", "b"]},
        "unstructured_identifiers": True,
        "release_version": "4",
        "originating_timestamp": "20260102T101500",
        "request_expiration": exact_timestamp(around.clock.now() + 60),
        "result_expiration": exact_timestamp(around.clock.now() + 90),
        "result_persistence": "P1D",
        "event_category": "2",
        "group_request_identifier": "g-1",
        "group_target_members": ("a", "b"),
        "vendor_information": "v",
        "role_identifiers": ("r@x",),
    }
    await around.get("in", FAR, "Capp", **stated)
    assert {name: getattr(passed_on(around), name) for name in stated} == stated


async def test_relative_times_count_from_where_they_came_in(around: Neighbourhood) -> None:
    await around.get("in", FAR, "Capp", request_expiration="5000", result_expiration="PT9S")
    now = around.clock.now()
    request = passed_on(around)
    assert request.request_expiration == exact_timestamp(now + 5)
    assert request.result_expiration == exact_timestamp(now + 9)


async def test_the_first_cse_waits_for_the_time_of_execution(around: Neighbourhood) -> None:
    waiting = asyncio.create_task(around.get("in", FAR, execution_time="3000"))
    await around.clock.advance(2.9)
    assert around.lanes["in"].sent == []
    await around.clock.advance(0.1)
    assert (await waiting).status_code == 4103
    assert passed_on(around).execution_time is None


@pytest.mark.parametrize("form", [ResponseType.NON_BLOCKING_SYNCH, ResponseType.NON_BLOCKING_ASYNCH])
async def test_the_first_cse_keeps_the_result_of_a_non_blocking_request(
    around: Neighbourhood, form: ResponseType
) -> None:
    around.silent.add("mn")
    accepted = await around.get("in", FAR, "/id-mn/CAdmin", response_type=form, notification_uris=())
    assert accepted.status_code == {1: 1001, 2: 1002}[form]
    address = accepted.content["m2m:uri"]

    async def state() -> dict[str, Any]:
        return dict((await around.get("in", address)).content["m2m:req"])

    await eventually(state, lambda _: bool(around.lanes["in"].sent))
    assert (await state())["rs"] == 4
    assert (await around.ask("in", Operation.DELETE, address)).status_code == 5220
    assert passed_on(around).response_type is ResponseType.BLOCKING
    around.silent.clear()
    await around.clock.advance(16)
    ended = await eventually(state, lambda found: found["rs"] != 4)
    assert (ended["rs"], ended["ors"]["rsc"]) == (2, 5103)
    again = await around.get("in", FAR, "/id-mn/CAdmin", response_type=form, notification_uris=())
    address = again.content["m2m:uri"]
    ended = await eventually(state, lambda found: found["rs"] != 4)
    assert (ended["rs"], ended["ors"]["pc"]["m2m:cb"]["csi"]) == (1, "/id-mn")


async def test_flexible_requests_are_blocking(around: Neighbourhood) -> None:
    response = await around.get("in", FAR, "/id-mn/CAdmin", response_type=ResponseType.FLEX_BLOCKING)
    assert (response.status_code, list(response.content)) == (2000, ["m2m:cb"])


async def test_names_that_mean_something_here_may_be_in_addresses_elsewhere(around: Neighbourhood) -> None:
    for address in (f"{FAR}/group/fopt", f"{FAR}/app/channel/pcu"):
        assert (await around.get("in", address)).status_code == 4004
        assert passed_on(around).to == address


async def test_addresses_in_answers_are_good_where_they_come_from(around: Neighbourhood) -> None:
    admin = "/id-mn/CAdmin"
    created = await around.create("in", FAR, 3, {"m2m:cnt": {"rn": "box"}}, admin)
    assert created.location == "/id-mn/cse-mn/box"
    found = await around.get("in", FAR, admin, filters={"fu": ["1"], "ty": ["3"]})
    assert found.content == {"m2m:uril": ["/id-mn/cse-mn/box"]}
    references = await around.get("in", FAR, admin, result_content=ResultContent(6), filters={"ty": ["3"]})
    assert references.content["m2m:rrl"]["rrf"][0]["val"] == "/id-mn/cse-mn/box"
    for form, root in ((2, "m2m:uri"), (3, "m2m:rce")):
        answer = await around.ask(
            "in",
            Operation.CREATE,
            FAR,
            admin,
            resource_type=3,
            content={"m2m:cnt": {"rn": f"box{form}"}},
            result_content=ResultContent(form),
        )
        uri = answer.content[root] if form == 2 else answer.content[root]["uri"]
        assert uri == f"/id-mn/cse-mn/box{form}"
    at_home = await around.get("mn", "cse-mn", filters={"fu": ["1"], "ty": ["3"]})
    assert at_home.content == {"m2m:uril": ["cse-mn/box", "cse-mn/box2", "cse-mn/box3"]}


async def test_a_part_of_a_result_is_said_to_be_one(around: Neighbourhood) -> None:
    for number in range(3):
        await around.create("mn", "cse-mn", 3, {"m2m:cnt": {"rn": f"box{number}"}})
    page = await around.get("in", FAR, "/id-mn/CAdmin", filters={"fu": ["1"], "ty": ["3"], "lim": ["2"]})
    assert (page.content_status, page.content_offset) == (1, 3)


async def test_ways_are_tried_in_order(around: Neighbourhood) -> None:
    await around.ask("in", Operation.UPDATE, "id-mn", content={"m2m:csr": {"poa": ["lane://dead", "lane://mn"]}})
    assert (await around.get("in", FAR, "/id-mn/CAdmin")).status_code == 2000
    assert [address for address, _ in around.lanes["in"].sent] == ["lane://dead", "lane://mn"]


@pytest.mark.parametrize(("operation", "attempts"), [(Operation.RETRIEVE, 2), (Operation.CREATE, 1)])
async def test_what_may_have_been_received_is_repeated_only_where_that_does_no_harm(
    around: Neighbourhood, operation: Operation, attempts: int
) -> None:
    await around.ask("in", Operation.UPDATE, "id-mn", content={"m2m:csr": {"poa": ["lane://mn", "lane://dead"]}})
    around.silent.add("mn")
    content = {"m2m:cnt": {}} if operation is Operation.CREATE else None
    asking = asyncio.create_task(around.ask("in", operation, FAR, resource_type=content and 3, content=content))
    await eventually(lambda: asyncio.sleep(0), lambda _: bool(around.lanes["in"].sent))
    await around.clock.advance(15.1)
    assert (await asking).status_code == 5103
    assert len(around.lanes["in"].sent) == attempts


async def test_a_cse_without_a_way_to_it(around: Neighbourhood) -> None:
    around.down.add("mn")
    unreachable = await around.get("in", FAR)
    assert (unreachable.status_code, "refused" in unreachable.content["m2m:dbg"]) == (5103, True)
    unknown = await around.get("in", "/id-nowhere/-")
    assert (unknown.status_code, "/id-nowhere" in unknown.content["m2m:dbg"]) == (4004, True)
    assert (await around.get("mn", "/id-nowhere/-")).status_code == 4004  # its registrar says so


async def test_the_request_expires_on_the_way(around: Neighbourhood) -> None:
    around.silent.add("mn")
    asking = asyncio.create_task(around.get("in", FAR, request_expiration="2000"))
    await eventually(lambda: asyncio.sleep(0), lambda _: bool(around.lanes["in"].sent))
    await around.clock.advance(2.1)
    assert (await asking).status_code == 4008


async def test_registrations_are_not_forwarded_unless_they_say_whose_they_are(around: Neighbourhood) -> None:
    content = {"m2m:ae": {"api": "N.x", "rr": False, "srv": ["3"], "rn": "guest"}}
    for originator in ("", "C", "S"):
        refused = await around.create("in", "/id-mn/-", 2, content, originator)
        assert (refused.status_code, "X-M2M-Origin" in refused.content["m2m:dbg"]) == (4000, True)
    csr = {"m2m:csr": {"cb": "/id-x/cse-x", "rr": True, "srv": ["3"]}}
    assert (await around.create("in", "/id-mn/-", 16, csr, "/id-x")).status_code == 4000
    assert around.lanes["in"].sent == []
    guest = await around.create("in", "/id-mn/-", 2, content, "Cguest")
    assert (guest.status_code, guest.content["m2m:ae"]["aei"]) == (2001, "/id-in/Cguest")
    assert (await around.create("in", "/id-mn/-", 2, content, "Cguest")).status_code in (4105, 4117)
    assert (await around.get("in", "/id-mn/-/guest", "Cother")).status_code == 4103
    assert (await around.ask("in", Operation.DELETE, "/id-mn/-/guest", "Cguest")).status_code == 2002
    assert (await around.create("mn", "-", 2, content, "/id-nowhere/Cguest")).status_code == 2001  # the registrar's


async def test_a_request_that_goes_round_in_a_circle_ends(around: Neighbourhood) -> None:
    await around.ask("in", Operation.UPDATE, "id-mn", content={"m2m:csr": {"dcse": ["/id-lost"]}})
    response = await around.get("in", "/id-lost/cse-lost", "Capp")
    assert (response.status_code, "circle" in response.content["m2m:dbg"]) == (5103, True)
    for name in ("in", "mn"):
        assert [request.to for _, request in around.lanes[name].sent if "lost" in request.to] == ["/id-lost/cse-lost"]
    assert (await around.get("in", FAR, "/id-mn/CAdmin")).status_code == 2000


async def test_two_originators_may_use_one_request_identifier(around: Neighbourhood) -> None:
    around.open.clear()
    asking = [asyncio.create_task(around.get("in", FAR, name, request_identifier="same")) for name in ("Ca", "Cb")]
    await eventually(lambda: asyncio.sleep(0), lambda _: len(around.lanes["in"].sent) == 2)
    around.open.set()
    assert [(await one).status_code for one in asking] == [4103, 4103]
    originators = {request.originator: request.request_identifier for _, request in around.lanes["in"].sent}
    assert set(originators) == {"/id-in/Ca", "/id-in/Cb"}
    assert len(set(originators.values())) == 2


async def test_the_same_request_twice_at_the_same_time_is_answered_once(around: Neighbourhood) -> None:
    asking = [asyncio.create_task(around.get("in", FAR, "Ca", request_identifier="same")) for _ in range(2)]
    around.open.clear()
    await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    around.open.set()
    assert sorted([(await one).status_code for one in asking]) == [4103, 5103]


async def test_no_more_than_a_number_of_requests_are_under_way() -> None:
    async with neighbourhood() as around:
        await around.start("in", max_forwarded=2)
        await around.introduce("in", "mn", "lane://mn")
        around.servers["mn"] = around.servers["in"]
        around.silent.add("mn")
        for number in range(2):
            request = around.get("in", FAR, request_identifier=f"r{number}")
            around.servers["in"].core.start(_ignore(request), "asking")
        await eventually(lambda: asyncio.sleep(0), lambda _: len(around.lanes["in"].sent) == 2)
        refused = await around.get("in", FAR, request_identifier="one more")
        assert (refused.status_code, "max_forwarded" in refused.content["m2m:dbg"]) == (4005, True)
        del around.servers["mn"]


async def _ignore(work: Any) -> None:
    await work
