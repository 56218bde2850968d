"""Freezing the members: each row says what is known of a member before anything is sent."""

import pytest

from cse.errors import BadRequest, NoMembers, NotFound, OriginatorHasNoPrivilege
from cse.fanout.members import Frozen, freeze
from cse.primitive import Operation, Request
from tests.cse.fanout.scenario import Scenario, scenario


async def frozen(
    city: Scenario, operation: Operation = Operation.NOTIFY, originator: str = "CAdmin", to: str = "", **more: object
) -> Frozen:
    request = Request(operation, to or "cse-in/city/fopt", originator, "r").derive(**more)
    return await city.server.core.read(lambda work: freeze(work, request))


def rows(found: Frozen) -> list[tuple[str, str, int | str]]:
    return [(row.member, row.state, row.status_code or row.reason) for row in found.rows]


async def test_members_in_the_order_of_the_group_whatever_their_fate() -> None:
    async with scenario() as city:
        first, second = await city.meters(2, "wire")
        await city.create("cse-in", 3, "cnt", rn="box")
        await city.group([second, "cse-in/box", "/mn-1/elsewhere", first])
        found = await frozen(city)
        assert rows(found) == [
            (second, "waiting", ""),
            ("cse-in/box", "answered", 4005),
            ("/mn-1/elsewhere", "unreachable", "OFFLINE"),
            (first, "waiting", ""),
        ]
        assert [row.position for row in found.rows] == [0, 1, 2, 3]
        assert {host.id: host.points_of_access for host in found.hosts.values()} == {
            "Cm0": ("wire://m0",),
            "Cm1": ("wire://m1",),
        }
        assert [row.host for row in found.rows] == ["Cm1", "", "", "Cm0"]


async def test_rows_of_tree_operations_have_no_host_but_an_address() -> None:
    async with scenario() as city:
        (member,) = await city.meters(1, "wire")
        await city.group([member])
        found = await frozen(city, Operation.RETRIEVE, to="cse-in/city/fopt/box")
        assert rows(found) == [(member, "answered", 4004)]
        await city.create(member, 3, "cnt", rn="box")
        (row,) = (await frozen(city, Operation.RETRIEVE, to="cse-in/city/fopt/box")).rows
        assert (row.target, row.host, row.state) == ("cse-in/m0/box", "", "waiting")


async def test_a_member_whose_policy_refuses_is_no_host() -> None:
    async with scenario() as city:
        rule = {"acor": ["Cm0"], "acop": 63}
        await city.create("cse-in", 1, "acp", rn="open", pv={"acr": [rule]}, pvs={"acr": [rule]})
        members = await city.meters(2, "wire")
        await city.group(members, macp=["cse-in/open"])
        found = await frozen(city, originator="Cm0")
        assert rows(found) == [(members[0], "waiting", ""), (members[1], "answered", 4103)]
        assert set(found.hosts) == {"Cm0"}


async def test_what_is_wrong_with_the_whole_group() -> None:
    async with scenario() as city:
        await city.group([], "empty")
        await city.group(await city.meters(1, "wire"))
        for error, parameters in [
            (NotFound, {"to": "cse-in/m0"}),
            (NotFound, {"to": "cse-in/nowhere/fopt"}),
            (NoMembers, {"to": "cse-in/empty/fopt"}),
            (OriginatorHasNoPrivilege, {"originator": "Cstranger"}),
        ]:
            with pytest.raises(error):
                await frozen(city, **parameters)  # type: ignore[arg-type]
        with pytest.raises(BadRequest, match="grtm"):
            await frozen(city, group_target_members=("cse-in/m7",))


async def test_groups_that_the_request_has_visited_are_not_opened_again() -> None:
    async with scenario() as city:
        first, second = await city.meters(2, "wire")
        await city.group([first], "west")
        await city.group(["cse-in/west/fopt", second])
        request = Request(Operation.NOTIFY, "cse-in/city/fopt", "CAdmin", "r")
        found = await city.server.core.read(lambda work: freeze(work, request))
        assert len(found.opened) == 2
        visited = {found.opened[1]}
        again = await city.server.core.read(lambda work: freeze(work, request, visited))
        assert rows(again) == [("cse-in/west/fopt", "answered", 4104), (second, "waiting", "")]
        assert again.opened == found.opened[:1]
