"""Members on other CSEs: hosts that are reached by way of a <remoteCSE>."""

from pathlib import Path
from typing import Any

import pytest

from cse.fanout.sending import AT_ONCE, MOST_FAILURES
from cse.fanout.states import State
from cse.network import DeliveryFailed, Discard, Host
from cse.primitive import Operation, Request, Response, ResponseType, ResultContent
from cse.testing.clock import ManualClock
from tests.cse.fanout.scenario import INSTRUCTION, Scenario, contents, eventually, items, refusing, scenario

MN = ("/id-mn/cse-mn/a", "/id-mn/cse-mn/b", "/id-mn/cse-mn/c")
BOX = {"m2m:cnt": {"mni": 5}}


async def register(city: Scenario, cse_id: str = "/id-mn", *poa: str, **attributes: Any) -> None:
    """Another CSE registers."""
    poa = poa or (f"wire:/{cse_id}",)
    content = {"cb": f"{cse_id}/cse-mn", "rr": True, "srv": ["3"], "poa": list(poa), "rn": cse_id[1:]} | attributes
    response = await city.ask(Operation.CREATE, "cse-in", cse_id, resource_type=16, content={"m2m:csr": content})
    assert response.status_code == 2001, response.content


async def update(city: Scenario, **parameters: Any) -> Response:
    return await city.ask(Operation.UPDATE, "cse-in/city/fopt", content=BOX, **parameters)


def sent(city: Scenario) -> list[tuple[str, str]]:
    """Who was sent something, and where."""
    return [(delivery.hosts[0].id, delivery.address) for delivery in city.wire.deliveries]


async def test_each_member_gets_a_request_of_its_own() -> None:
    async with scenario() as city:
        await register(city, mtcc=2)
        await city.group(MN[:2])
        response = await update(city, vendor_information="v", result_content=ResultContent.NOTHING)
        assert items(response.content) == dict.fromkeys(MN[:2], 2000)
        assert sent(city) == [(MN[0], "wire://id-mn"), (MN[1], "wire://id-mn")]
        for delivery in city.wire.deliveries:
            request, host = delivery.request, delivery.hosts[0]
            assert (request.to, host.address(request)) == (host.id, host.id)
            assert (host.cse, host.member, host.multicast) == ("/id-mn", host.id, 2)
            assert (request.operation, request.content, request.vendor_information) == (Operation.UPDATE, BOX, "v")
            assert request.result_content is ResultContent.NOTHING
            assert request.originator == "/id-in/CAdmin"
            assert request.group_request_identifier == f"id-in.{request.request_identifier}"


async def test_they_have_to_answer_blocking_and_before_we_stop_waiting() -> None:
    async with scenario() as city:
        await register(city)
        await city.group(MN[:1])
        until = city.in_seconds(19) + ",000000"
        response = await update(
            city,
            response_type=ResponseType.NON_BLOCKING_ASYNCH,
            notification_uris=("air://x",),
            request_expiration=city.in_seconds(20),
            group_target_members=MN[:1],
            result_persistence="PT1H",
        )
        await city.finished(response.content["m2m:uri"])
        request = city.wire.deliveries[0].request
        assert request.response_type is ResponseType.BLOCKING
        assert request.request_expiration == request.result_expiration == until
        assert (request.notification_uris, request.group_target_members, request.result_persistence) == (None, (), None)


async def test_a_tail_goes_on_to_the_other_cse_and_items_name_the_member() -> None:
    async with scenario() as city:
        await register(city)
        await city.group([MN[0], "//cse.example/id-mn/cse-mn/b"])
        response = await city.ask(Operation.RETRIEVE, "cse-in/city/fopt/box/la")
        assert items(response.content) == {MN[0]: 2000, "//cse.example/id-mn/cse-mn/b": 2000}
        assert [host for host, _ in sent(city)] == [f"{MN[0]}/box/la", f"{MN[1]}/box/la"]


@pytest.mark.parametrize("operation", list(Operation))
async def test_every_operation(operation: Operation) -> None:
    async with scenario() as city:
        await register(city)
        await city.group([MN[0]])
        contents = {Operation.CREATE: BOX, Operation.UPDATE: BOX, Operation.NOTIFY: INSTRUCTION}
        content = contents.get(operation)
        kind = 3 if operation is Operation.CREATE else None
        response = await city.ask(operation, "cse-in/city/fopt", content=content, resource_type=kind)
        assert items(response.content) == {MN[0]: 2000}
        assert city.wire.deliveries[0].request.operation is operation
        assert city.wire.deliveries[0].request.resource_type == kind


async def test_members_here_and_elsewhere_at_the_same_time() -> None:
    async with scenario(fan_out_slice=1) as city:
        here = await city.meters(3, "wire")
        await register(city)
        await city.group([here[0], MN[0], *here[1:], MN[1]])
        response = await city.ask(Operation.UPDATE, "cse-in/city/fopt", content={"m2m:ae": {"lbl": ["x"]}})
        assert items(response.content) == dict.fromkeys(here, 2004) | dict.fromkeys(MN[:2], 2000)
        assert [item["fr"] for item in response.content["m2m:agr"]["m2m:rsp"]] == [here[0], MN[0], *here[1:], MN[1]]


async def test_no_way_there() -> None:
    async with scenario() as city:
        await register(city)
        await city.group([MN[0], "/id-far/cse/x", "//elsewhere.example/id-far/x"])
        response = await update(city)
        assert items(response.content) == {MN[0]: 2000, "/id-far/cse/x": 5103, "//elsewhere.example/id-far/x": 5103}


async def test_a_cse_is_no_member() -> None:
    async with scenario() as city:
        await register(city)
        await city.group(["/id-mn", MN[0]])
        response = await update(city)
        assert items(response.content) == {"/id-mn": 4000, MN[0]: 2000}
        assert "/-" in contents(response.content)["/id-mn"]["m2m:dbg"]


async def test_a_member_in_two_forms_is_asked_once() -> None:
    async with scenario() as city:
        await register(city)
        await city.group([MN[0]], "west")
        await city.group(["cse-in/west/fopt", "//cse.example" + MN[0]])
        response = await update(city)
        assert items(response.content) == {MN[0]: 2000, "//cse.example" + MN[0]: 4104}


async def started(city: Scenario, operation: Operation = Operation.UPDATE, content: Any = BOX) -> str:
    response = await city.ask(
        operation,
        "cse-in/city/fopt",
        content=content,
        resource_type=3 if operation is Operation.CREATE else None,
        response_type=ResponseType.NON_BLOCKING_SYNCH,
        request_expiration=city.in_seconds(100),
    )
    return str(response.content["m2m:uri"])


@pytest.mark.parametrize(("content", "attempts"), [({"m2m:cnt": {}}, 1), ({"m2m:cnt": {"rn": "box"}}, 6), (BOX, 1)])
async def test_a_create_that_may_have_been_received_is_repeated_only_if_it_names_the_resource(
    content: Any, attempts: int
) -> None:
    async with scenario() as city:
        await register(city)
        await city.group(MN[:1])
        city.wire.answers = False
        request = await started(city, Operation.CREATE, content)
        await eventually(lambda: city.wire.deliveries)
        assert (await city.finished(request))["rs"] == 2
        row = (await city.rows(request))[MN[0]]
        assert (row.reason, row.attempts) == ("SILENT", attempts)
        assert len(city.wire.deliveries) == attempts


async def test_a_create_that_was_not_received_is_repeated() -> None:
    async with scenario() as city:
        await register(city)
        await city.group(MN[:1])
        city.wire.failure = refusing()
        request = await started(city, Operation.CREATE)
        await city.advance_until(lambda: len(city.wire.deliveries) == 3)
        city.wire.failure = None
        assert items((await city.finished(request))["ors"]["pc"]) == {MN[0]: 2000}


async def test_a_create_is_not_repeated_after_a_crash(tmp_path: Path) -> None:
    store, clock = f"sqlite:///{tmp_path}/cse.sqlite", ManualClock()
    async with scenario(store, clock, data_folder=str(tmp_path)) as city:
        here = await city.meters(1, "wire")
        await register(city)
        await city.group([*MN[:1], *here])
        city.wire.answers = False
        request = await started(city, Operation.CREATE)
        await eventually(lambda: city.wire.deliveries)
    async with scenario(store, clock, data_folder=str(tmp_path)) as city:
        assert items((await city.finished(request))["ors"]["pc"]) == {here[0]: 2001}
        assert city.wire.deliveries == []
        assert (await city.rows(request))[MN[0]].reason == "SILENT"


async def test_what_is_silent_is_asked_again_after_a_restart_as_the_same_request(tmp_path: Path) -> None:
    store, clock = f"sqlite:///{tmp_path}/cse.sqlite", ManualClock()
    async with scenario(store, clock, data_folder=str(tmp_path)) as city:
        await register(city)
        await city.group(MN)
        city.wire.hears = lambda host, attempt: host != MN[1]
        request = await started(city)
        await eventually(lambda: len(city.wire.deliveries) == 3)
        await city.advance_until(lambda: _answered(city, request, 2))
        first = city.wire.deliveries[1].request
    async with scenario(store, clock, data_folder=str(tmp_path)) as city:
        assert items((await city.finished(request))["ors"]["pc"]) == dict.fromkeys(MN, 2000)
        assert [host for host, _ in sent(city)] == [MN[1]]
        assert city.wire.deliveries[0].request == first


async def _answered(city: Scenario, request: str, count: int) -> bool:
    rows = await city.rows(request)
    return bool(sum(row.state == State.ANSWERED for row in rows.values()) >= count)


async def test_a_cse_that_is_away_is_not_tried_for_every_member() -> None:
    async with scenario(sub_group_members=0) as city:
        await register(city)
        many = [f"/id-mn/cse-mn/{number}" for number in range(50)]
        await city.group(many)
        city.wire.failure = DeliveryFailed("connection refused", refused=True)
        request = await started(city)
        tried = MOST_FAILURES * AT_ONCE
        await city.advance_until(lambda: len(city.wire.deliveries) == tried, step=0.1)
        await city.clock.advance(0.5)
        assert len(city.wire.deliveries) == tried
        result = await city.finished(request)
        assert items(result["ors"]["pc"]) == dict.fromkeys(many, 5103)
        assert (await city.report(request))["reasons"] == {"REFUSED": 50}


async def test_an_answer_of_the_cse_itself_is_split_over_its_members() -> None:
    async with scenario() as city:
        await register(city)
        await register(city, "/id-far")
        far = "/id-far/cse/x"
        await city.group([*MN, far])
        city.wire.answers = False
        request = await started(city)
        await eventually(lambda: len(city.wire.deliveries) == 4)
        identifier = city.wire.deliveries[0].request.request_identifier
        answers = [
            {"rsc": 2004, "fr": MN[0], "pc": BOX},
            {"rsc": 4004, "fr": "cse-mn/b"},
            {"rsc": 2004, "fr": far},
            {"rsc": 2004},
            {"rsc": "2004", "fr": MN[2]},
            "rubbish",
        ]
        city.wire.engine.answer(identifier, "/id-mn", Response(2000, {"m2m:agr": {"m2m:rsp": answers}}), "wire")
        await city.advance_until(lambda: _answered(city, request, 2), step=0.01)
        city.wire.engine.answer(
            identifier, "//cse.example/id-mn", Response(2000, {"m2m:agr": {"m2m:rsp": answers[:1]}}), "wire"
        )
        city.wire.engine.answer(identifier, "/id-nobody", Response(2000), "wire")
        city.wire.engine.answer(identifier, "/id-mn", Response(2000, BOX), "wire")
        await city.advance_until(lambda: _answered(city, request, 3), step=0.01)
        city.wire.engine.answer(identifier, "/id-far", Response(4103, {"m2m:dbg": "no"}), "wire")
        result = await city.finished(request)
        assert items(result["ors"]["pc"]) == {MN[0]: 2004, MN[1]: 4004, MN[2]: 2000, far: 4103}
        assert contents(result["ors"]["pc"])[MN[0]] == BOX
        discarded = (await city.report(request))["discarded"]
        assert discarded == {Discard.DUPLICATE: 1, Discard.STRAY: 3}


async def test_a_plain_answer_of_a_cse_with_several_silent_members_is_nobodys_and_an_error_is_everybodys() -> None:
    async with scenario() as city:
        await register(city)
        await city.group(MN)
        city.wire.answers = False
        request = await started(city)
        await eventually(lambda: len(city.wire.deliveries) == 3)
        identifier = city.wire.deliveries[0].request.request_identifier
        city.wire.engine.answer(identifier, "/id-mn", Response(2000, BOX), "wire")
        await city.clock.advance(0.1)
        assert not await _answered(city, request, 1)
        city.wire.engine.answer(identifier, "/id-mn", Response(5105), "wire")
        result = await city.finished(request)
        assert items(result["ors"]["pc"]) == dict.fromkeys(MN, 5105)
        assert (await city.report(request))["discarded"] == {Discard.MALFORMED: 1}


@pytest.mark.parametrize(("tail", "left"), [("", [f"{MN[1]}/la", MN[2]]), ("/box", [MN[0], f"{MN[1]}/la", MN[2]])])
async def test_members_that_are_deleted_leave_the_group(tail: str, left: list[str]) -> None:
    members = [MN[0], f"{MN[1]}/la", MN[2]]
    codes = dict(zip(members, (2002, 2002, 4103), strict=True))
    async with scenario() as city:
        await register(city)
        await city.group(members)
        await city.group([MN[0]], "other")
        city.wire.answers = False
        response = await city.ask(
            Operation.DELETE, f"cse-in/city/fopt{tail}", response_type=ResponseType.NON_BLOCKING_SYNCH
        )
        await eventually(lambda: len(city.wire.deliveries) == 3)
        for delivery in city.wire.deliveries:
            city.wire.answer(delivery.request.request_identifier, delivery.hosts[0].id, codes[delivery.hosts[0].member])
        result = await city.finished(response.content["m2m:uri"])
        assert items(result["ors"]["pc"]) == codes
        report = await city.report(response.content["m2m:uri"])
        assert (report["states"]["answered"], report["succeeded"]) == (3, 2)
        group = (await city.ask(Operation.RETRIEVE, "cse-in/city")).content["m2m:grp"]
        assert (group["mid"], group["cnm"]) == (left, len(left))
        other = (await city.ask(Operation.RETRIEVE, "cse-in/other")).content["m2m:grp"]
        assert other["mid"] == ([MN[0]] if tail else [])


async def test_cancelled() -> None:
    async with scenario() as city:
        await register(city)
        await city.group(MN)
        city.wire.answers = False
        request = await started(city)
        await eventually(lambda: len(city.wire.deliveries) == 3)
        await city.server.fan_out.cancel((await city.report(request))["campaign"])
        await city.finished(request)
        assert (await city.report(request))["reasons"] == {"CANCELLED": 3}


async def test_a_newer_device_request_supersedes_older_ones_to_a_member_elsewhere_but_no_operation() -> None:
    async with scenario() as city:
        await register(city)
        await city.group(MN[:1])
        city.wire.answers = False
        operation, older = await started(city), await city.start(request_expiration=city.in_seconds(100))
        await eventually(lambda: len(city.wire.deliveries) >= 2)
        city.wire.answers = True
        newer = await city.start()
        await city.finished(newer)
        assert [(await city.rows(each))[MN[0]].reason for each in (operation, older)] == ["", "SUPERSEDED"]


def test_the_address_of_a_host_elsewhere() -> None:
    request = Request(Operation.RETRIEVE, "cse-in/city/fopt/la", "C", "r")
    assert Host("/id-mn/cse-mn/a/la", (), cse="/id-mn").address(request) == "/id-mn/cse-mn/a/la"
    assert Host("Ca", ()).address(request) == request.to


async def test_a_cse_that_polls_tells_its_members_apart() -> None:
    async with scenario() as city:
        await register(city, "/id-mn", "pigeon://id-mn")
        response = await city.ask(
            Operation.CREATE,
            "cse-in/id-mn",
            "/id-mn",
            resource_type=15,
            content={"m2m:pch": {"rn": "pch", "rqag": True}},
        )
        assert response.status_code == 2001, response.content
        await city.group(MN)
        request = await started(city)
        requests: list[Any] = []
        while len(requests) < len(MN):
            polled = await city.ask(Operation.RETRIEVE, "cse-in/id-mn/pch/pcu", "/id-mn")
            requests += polled.content["m2m:agrp"]
        assert [(each["to"], each["fr"], each["op"]) for each in requests] == [(to, "/id-in/CAdmin", 3) for to in MN]
        assert len({each["rqi"] for each in requests}) == 3
        for number, each in enumerate(requests):
            answer = {"m2m:rsp": {"rsc": 2004 + number, "rqi": each["rqi"]}}
            await city.ask(Operation.NOTIFY, "cse-in/id-mn/pch/pcu", "/id-mn", content=answer)
        forged = {"m2m:rsp": {"rsc": 2000, "rqi": "x~/id-far/cse/x"}}
        await city.ask(Operation.NOTIFY, "cse-in/id-mn/pch/pcu", "/id-mn", content=forged)
        assert items((await city.finished(request))["ors"]["pc"]) == {MN[0]: 2004, MN[1]: 2005, MN[2]: 2006}
