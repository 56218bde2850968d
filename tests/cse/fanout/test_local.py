"""Operations on members in this tree: each in its own savepoint, in slices, each committed with its answer."""

import pytest

from cse.primitive import Operation, Response, ResponseType
from cse.tree.alike import Alike
from tests.cse.fanout.scenario import contents, eventually, items, scenario

INSTANCE = {"m2m:cin": {"con": "1"}}


async def test_create_below_every_member() -> None:
    async with scenario(fan_out_slice=3) as city:
        members = await city.meters(7, "wire")
        await city.group(members)
        response = await city.ask(
            Operation.CREATE, "cse-in/city/fopt", resource_type=3, content={"m2m:cnt": {"rn": "box"}}
        )
        assert response.status_code == 2000
        assert items(response.content) == dict.fromkeys(members, 2001)
        assert contents(response.content)[members[4]]["m2m:cnt"]["rn"] == "box"
        found = await city.ask(Operation.RETRIEVE, "cse-in/m6/box")
        assert found.content["m2m:cnt"]["pi"] == "Cm6"


async def test_one_member_that_fails_harms_no_other() -> None:
    async with scenario() as city:
        members = await city.meters(3, "wire")
        await city.create(members[1], 3, "cnt", rn="box")
        await city.group(members)
        response = await city.ask(
            Operation.CREATE, "cse-in/city/fopt", resource_type=3, content={"m2m:cnt": {"rn": "box"}}
        )
        assert [items(response.content)[member] for member in members] == [2001, 4105, 2001]
        assert "cse-in/m1/box" in contents(response.content)[members[1]]["m2m:dbg"]


async def test_a_failure_that_nobody_foresaw_costs_only_its_own_member(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def with_a_bug(alike: Alike, address: str) -> Response:
        if address == "cse-in/m1":
            raise ZeroDivisionError("a bug in a resource type")
        return perform(alike, address)

    perform = Alike.perform
    monkeypatch.setattr(Alike, "perform", with_a_bug)
    async with scenario() as city:
        members = await city.meters(3, "wire")
        await city.group(members)
        content = {"m2m:cnt": {"rn": "box"}}
        response = await city.ask(Operation.CREATE, "cse-in/city/fopt", resource_type=3, content=content)
        assert [items(response.content)[member] for member in members] == [2001, 5000, 2001]
        assert (await city.ask(Operation.RETRIEVE, "cse-in/m2/box")).status_code == 2000
    assert "a bug in a resource type" in caplog.text


async def test_a_tail_addresses_what_is_below_the_members() -> None:
    async with scenario() as city:
        members = await city.meters(2, "wire")
        await city.group(members)
        await city.ask(Operation.CREATE, "cse-in/city/fopt", resource_type=3, content={"m2m:cnt": {"rn": "box"}})
        await city.ask(Operation.CREATE, "cse-in/city/fopt/box", resource_type=4, content=INSTANCE)
        latest = await city.ask(Operation.RETRIEVE, "cse-in/city/fopt/box/la")
        assert [contents(latest.content)[member]["m2m:cin"]["con"] for member in members] == ["1", "1"]
        missing = await city.ask(Operation.RETRIEVE, "cse-in/city/fopt/nothing")
        assert (missing.status_code, set(items(missing.content).values())) == (2000, {4004})
        changed = await city.ask(Operation.UPDATE, "cse-in/city/fopt/box", content={"m2m:cnt": {"mni": 5}})
        assert set(items(changed.content).values()) == {2004}


async def test_deleting_members_takes_them_out_of_the_group() -> None:
    async with scenario() as city:
        members = await city.meters(3, "wire")
        await city.group(members)
        assert set(items((await city.ask(Operation.DELETE, "cse-in/city/fopt")).content).values()) == {2002}
        group = (await city.ask(Operation.RETRIEVE, "cse-in/city")).content["m2m:grp"]
        assert (group["mid"], group["cnm"]) == ([], 0)


async def test_deleting_below_the_members_leaves_the_group_as_it_is() -> None:
    async with scenario() as city:
        await city.create("cse-in", 3, "cnt", rn="box")
        await city.create("cse-in/box", 4, "cin", con="1")
        await city.group(["cse-in/box/la"])
        assert set(items((await city.ask(Operation.DELETE, "cse-in/city/fopt")).content).values()) == {2002}
        assert (await city.ask(Operation.RETRIEVE, "cse-in/city")).content["m2m:grp"]["mid"] == ["cse-in/box/la"]


async def test_each_member_checks_the_original_originator() -> None:
    async with scenario() as city:
        members = await city.meters(2, "wire")
        rule = {"acor": ["Cm0"], "acop": 63}
        await city.create("cse-in", 1, "acp", rn="open", pv={"acr": [rule]}, pvs={"acr": [rule]})
        await city.group(members, macp=["cse-in/open"])
        response = await city.ask(Operation.RETRIEVE, "cse-in/city/fopt", "Cm0")
        assert items(response.content) == {members[0]: 2000, members[1]: 4103}


async def test_non_blocking() -> None:
    async with scenario(fan_out_slice=2) as city:
        members = await city.meters(5, "wire")
        await city.group(members)
        response = await city.ask(
            Operation.CREATE,
            "cse-in/city/fopt",
            resource_type=3,
            content={"m2m:cnt": {"rn": "box"}},
            response_type=ResponseType.NON_BLOCKING_SYNCH,
        )
        result = await city.finished(response.content["m2m:uri"])
        assert (result["rs"], result["op"], result["tg"]) == (1, 1, "cse-in/city/fopt")
        assert items(result["ors"]["pc"]) == dict.fromkeys(members, 2001)


async def test_a_fan_out_that_cannot_begin_fails_the_request_resource() -> None:
    async with scenario() as city:
        request = await city.start("nowhere")
        result = await city.finished(request)
        assert (result["rs"], result["ors"]["rsc"]) == (2, 4004)
        assert "m2m:dbg" in result["ors"]["pc"]


async def test_blocking_fan_outs_leave_no_rows_behind() -> None:
    async with scenario() as city:
        await city.group(await city.meters(2, "wire"))
        await city.ask(Operation.RETRIEVE, "cse-in/city/fopt")
        await city.notify()
        assert await city.server.core.read(lambda work: work.transaction.campaigns.all()) == []


async def test_deleting_the_request_forgets_its_rows() -> None:
    async with scenario() as city:
        await city.group(await city.meters(2, "wire"))
        request = await city.start()
        await city.finished(request)
        assert (await city.ask(Operation.DELETE, request)).status_code == 2002
        assert await city.server.core.read(lambda work: work.transaction.campaigns.all()) == []


async def test_an_unfinished_request_cannot_be_deleted() -> None:
    async with scenario() as city:
        await city.group(await city.meters(2, "wire"))
        city.wire.answers = False
        request = await city.start()
        await eventually(lambda: len(city.wire.deliveries) == 2)
        response = await city.ask(Operation.DELETE, request)
        assert response.status_code == 5220


async def test_cancelled_between_two_slices() -> None:
    async with scenario(fan_out_slice=1) as city:
        members = await city.meters(200, "wire")
        await city.group(members)
        content = {"m2m:cnt": {"rn": "box"}}
        response = await city.ask(
            Operation.CREATE,
            "cse-in/city/fopt",
            resource_type=3,
            content=content,
            response_type=ResponseType.NON_BLOCKING_SYNCH,
        )
        request = response.content["m2m:uri"]
        await city.server.fan_out.cancel((await city.report(request))["campaign"])
        await city.finished(request)
        report = await city.report(request)
        assert report["states"]["answered"] + report["states"]["failed"] == 200
        assert report["reasons"] == {"CANCELLED": report["states"]["failed"]}
        found = await city.ask(Operation.RETRIEVE, "cse-in", filters={"fu": ["1"], "ty": ["3"]})
        boxes = [address for address in found.content["m2m:uril"] if address.endswith("/box")]
        assert len(boxes) == report["states"]["answered"]
