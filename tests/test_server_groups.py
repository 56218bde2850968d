"""Groups as resources: their members, what is checked about them, and how they follow the tree."""

from typing import Any

import pytest

from tests.servers import Answer, Client


@pytest.fixture
async def city(client: Client) -> Client:
    """AEs Ca, Cb, Cc; Ca has a container box."""
    for name in "abc":
        await client.register(name)
    await client.create("/cse-in/a", 3, {"m2m:cnt": {"rn": "box"}}, "Ca")
    return client


async def create(client: Client, *members: str, **attributes: Any) -> Answer:
    content = {"rn": "group", "mnm": 5, "mid": list(members)} | attributes
    return await client.create("/cse-in", 9, {"m2m:grp": content})


async def update(client: Client, **attributes: Any) -> Answer:
    return await client.update("/cse-in/group", {"m2m:grp": attributes})


async def members(client: Client) -> list[str]:
    resource = (await client.get("/cse-in/group")).resource
    assert resource["cnm"] == len(resource["mid"])
    return list(resource["mid"])


async def test_a_group_knows_its_members(city: Client) -> None:
    group = (await create(city, "Ca", "cse-in/b", "/id-in/Cc")).resource
    assert group["mid"] == ["Ca", "cse-in/b", "/id-in/Cc"]
    assert (group["cnm"], group["mt"], group["csy"], group["mtv"]) == (3, 0, 1, True)


async def test_each_member_counts_once_however_it_is_written(city: Client) -> None:
    await create(city, "Ca", "cse-in/a", "/id-in/Ca", "//cse.example/id-in/cse-in/a", "Cb", "Ca")
    assert await members(city) == ["Ca", "Cb"]


async def test_a_group_may_be_empty(city: Client) -> None:
    assert (await create(city)).rsc == 2001
    assert await members(city) == []
    assert (await city.get("/cse-in/group/fopt")).rsc == 4109


async def test_there_are_never_more_members_than_the_maximum(city: Client) -> None:
    assert (await create(city, "Ca", "Cb", mnm=1)).rsc == 6010
    assert (await city.get("/cse-in/group")).rsc == 4004
    await create(city, "Ca", "Cb", mnm=2)
    assert (await update(city, mid=["Ca", "Cb", "Cc"])).rsc == 6010
    assert (await update(city, mnm=1)).rsc == 6010
    assert await members(city) == ["Ca", "Cb"]
    assert (await update(city, mid=["Ca", "Cb", "Cc"], mnm=3)).rsc == 2004
    assert (await update(city, mid=["Cc"], mnm=1)).rsc == 2004
    assert await members(city) == ["Cc"]


async def test_members_must_exist(city: Client) -> None:
    answer = await create(city, "Ca", "Cnobody", "cse-in/nowhere")
    assert answer.rsc == 4004
    assert "Cnobody" in answer.debug
    await create(city, "Ca")
    assert (await update(city, mid=["Ca", "Cnobody"])).rsc == 4004
    assert await members(city) == ["Ca"]


async def test_members_on_other_servers_can_not_be_validated(city: Client) -> None:
    group = (await create(city, "Ca", "/other/Cx", mt=2)).resource
    assert group["mid"] == ["Ca", "/other/Cx"]
    assert group["mtv"] is False
    assert (await update(city, mid=["Ca"])).resource["mtv"] is True


async def test_strategy_1_leaves_members_of_other_types_out(city: Client) -> None:
    assert (await create(city, "Ca", "cse-in/a/box", mt=2)).resource["mid"] == ["Ca"]
    assert (await update(city, mid=["cse-in/a/box", "Cb"])).resource["mid"] == ["Cb"]


async def test_strategy_2_refuses_members_of_other_types(city: Client) -> None:
    answer = await create(city, "Ca", "cse-in/a/box", mt=2, csy=2)
    assert (answer.status, answer.rsc) == (400, 4110)
    assert "cse-in/a/box" in answer.debug
    await create(city, "Ca", mt=2, csy=2)
    assert (await update(city, mid=["cse-in/a/box"])).rsc == 4110
    assert await members(city) == ["Ca"]


async def test_strategy_3_makes_the_group_a_mixed_one(city: Client) -> None:
    group = (await create(city, "Ca", "cse-in/a/box", mt=2, csy=3)).resource
    assert (group["mt"], group["mid"]) == (0, ["Ca", "cse-in/a/box"])


async def test_the_latest_instances_of_containers_are_a_type_of_their_own(city: Client) -> None:
    group = (await create(city, "cse-in/a/box/la", "cse-in/a/box", mt=20002)).resource
    assert group["mid"] == ["cse-in/a/box/la"]


async def test_what_is_deleted_leaves_its_groups(city: Client) -> None:
    await create(city, "Ca", "Cb", "cse-in/a/box")
    await city.delete("/cse-in/a", "Ca")
    assert await members(city) == ["Cb"]
    assert (await update(city, mid=[])).rsc == 2004
    assert await members(city) == []


async def test_other_attributes_do_not_touch_the_members(city: Client) -> None:
    await create(city, "Ca", "Cb")
    answer = await update(city, gn="meters", lbl=["x"])
    assert answer.rsc == 2004
    assert answer.resource.items() >= {"gn": "meters", "mid": ["Ca", "Cb"], "cnm": 2}.items()


async def test_a_group_that_is_deleted_and_made_again_starts_anew(city: Client) -> None:
    await create(city, "Ca", "Cb")
    await city.delete("/cse-in/group")
    await create(city, "Cc")
    assert await members(city) == ["Cc"]


async def test_there_is_nothing_semantic_about_a_group(city: Client) -> None:
    assert "ssi" not in (await create(city, "Ca")).resource
    assert (await city.get("/cse-in/group/sfop?rcn=1")).rsc == 4004
    assert (await update(city, ssi=True)).rsc == 4000


async def test_a_group_of_100000_members_is_accepted_and_answered(city: Client) -> None:
    await create(city)
    many = [f"/other/Cmeter{number}" for number in range(100_000)]
    answer = await city.update("/cse-in/group?rcn=0", {"m2m:grp": {"mid": many, "mnm": 100_000}})
    assert answer.rsc == 2004
    assert (await members(city)) == many
