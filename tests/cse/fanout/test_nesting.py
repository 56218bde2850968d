"""Groups in groups, loops, the same member twice, and a subset of the members."""

from cse.primitive import Operation
from tests.cse.fanout.scenario import contents, items, scenario


async def test_groups_in_groups_are_opened() -> None:
    async with scenario() as city:
        members = await city.meters(4, "wire")
        await city.group(members[:2], "west")
        await city.group(members[2:3], "east")
        await city.group(["cse-in/west/fopt", "cse-in/east/fopt", members[3]])
        assert items((await city.notify()).content) == dict.fromkeys(members, 2000)


async def test_a_group_without_the_suffix_is_the_resource_itself() -> None:
    async with scenario() as city:
        await city.group(await city.meters(1, "wire"), "west")
        await city.group(["cse-in/west"])
        response = await city.ask(Operation.RETRIEVE, "cse-in/city/fopt")
        assert contents(response.content)["cse-in/west"]["m2m:grp"]["cnm"] == 1


async def test_two_groups_that_contain_each_other() -> None:
    async with scenario() as city:
        members = await city.meters(2, "wire")
        await city.group(members[:1], "west")
        await city.group([members[1], "cse-in/west/fopt"])
        content = {"m2m:grp": {"mid": [members[0], "cse-in/city/fopt"], "mnm": 2}}
        assert (await city.ask(Operation.UPDATE, "cse-in/west", content=content)).status_code == 2004
        answer = items((await city.notify()).content)
        assert answer == {members[0]: 2000, members[1]: 2000, "cse-in/city/fopt": 4104}


async def test_a_member_of_two_groups_gets_the_request_once() -> None:
    async with scenario() as city:
        members = await city.meters(1, "wire")
        await city.group(members, "west")
        await city.group(["Cm0"], "east")
        await city.group(["cse-in/west/fopt", "cse-in/east/fopt"])
        assert items((await city.notify()).content) == {members[0]: 2000, "Cm0": 4104}
        assert len(city.wire.deliveries) == 1


async def test_a_sub_group_that_is_closed_to_the_originator() -> None:
    async with scenario() as city:
        members = await city.meters(2, "wire")
        rule = {"acor": ["Cm1"], "acop": 63}
        await city.create("cse-in", 1, "acp", rn="open", pv={"acr": [rule]}, pvs={"acr": [rule]})
        await city.group(members[:1], "west")
        await city.group(["cse-in/west/fopt", members[1]], macp=["cse-in/open"])
        response = await city.notify(originator="Cm1")
        assert items(response.content) == {"cse-in/west/fopt": 4103, members[1]: 2000}


async def test_only_the_members_that_are_named() -> None:
    async with scenario() as city:
        members = await city.meters(4, "wire")
        await city.group(members[:2], "west")
        await city.group(["cse-in/west/fopt", *members[2:]])
        for wanted, reached in [
            ((members[3],), [members[3]]),
            ((members[0],), [members[0]]),
            (("cse-in/west/fopt",), members[:2]),
        ]:
            response = await city.notify(group_target_members=wanted)
            assert sorted(items(response.content)) == reached


async def test_a_stranger_among_the_named_members() -> None:
    async with scenario() as city:
        await city.group(await city.meters(1, "wire"))
        response = await city.notify(group_target_members=("cse-in/nobody",))
        assert response.status_code == 4000
        assert "grtm" in response.content["m2m:dbg"]


async def test_a_member_on_another_cse_is_unreachable() -> None:
    async with scenario() as city:
        members = await city.meters(1, "wire")
        await city.group(["/mn-1/cse-mn/meter", *members])
        assert items((await city.notify()).content) == {"/mn-1/cse-mn/meter": 5103, members[0]: 2000}
