"""The edge cases of group communication that have to do with members and rights, numbered as we count all of them.

Those in which time or several requests matter are in `test_group_edge_cases_in_time`; those with several CSEs or with
multicast are where these are tested. Every number has a test that begins with `test_edge_<number>_`.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Answer, Client, Listener

HERE = Path(__file__).parent
EVERYTHING, RETRIEVE, NOTIFY = 63, 2, 16
CASES = range(1, 23)


@pytest.fixture
async def city(client: Client) -> Client:
    """AEs Ca, Cb and Cc, each with a container `box` with one instance, and Capp, which is no member of anything."""
    for name in "abc":
        await client.register(name, f"loopback://{name}")
        await client.create(f"/cse-in/{name}", 3, {"m2m:cnt": {"rn": "box"}}, f"C{name}")
        await client.create(f"/cse-in/{name}/box", 4, {"m2m:cin": {"con": name}}, f"C{name}")
    await client.register("app")
    return client


async def group(client: Client, *members: str, name: str = "g", **attributes: Any) -> Answer:
    content = {"rn": name, "mnm": 5, "mid": list(members)} | attributes
    return await client.create("/cse-in", 9, {"m2m:grp": content})


async def policy(client: Client, name: str, rights: int) -> str:
    """A policy by which Capp has these rights; its address."""
    rules = {"acr": [{"acor": ["Capp"], "acop": rights}]}
    await client.create("/cse-in", 1, {"m2m:acp": {"rn": name, "pv": rules, "pvs": rules}})
    return f"cse-in/{name}"


def codes(answer: Answer) -> dict[str, int]:
    """The response status code of each item, by the member."""
    assert answer.rsc == 2000, answer
    return {item["fr"]: item["rsc"] for item in answer.content["m2m:agr"]["m2m:rsp"]}


async def members(client: Client, name: str = "g") -> list[str]:
    resource = (await client.get(f"/cse-in/{name}")).resource
    assert resource["cnm"] == len(resource["mid"])
    return list(resource["mid"])


async def test_edge_01_a_group_that_has_itself_as_a_member(city: Client) -> None:
    await group(city, "Ca")
    await city.update("/cse-in/g", {"m2m:grp": {"mid": ["Ca", "cse-in/g/fopt", "Cb"]}})
    assert codes(await city.get("/cse-in/g/fopt")) == {"Ca": 2000, "cse-in/g/fopt": 4104, "Cb": 2000}


async def test_edge_06_a_member_of_a_group_in_the_group_is_the_target(city: Client) -> None:
    await group(city, "Ca", "Cb", name="inner")
    await group(city, "cse-in/inner/fopt", "Cc")
    assert codes(await city.get("/cse-in/g/fopt?grtm=Cb")) == {"Cb": 2000}
    assert codes(await city.get("/cse-in/g/fopt?grtm=Cb+Cc")) == {"Cb": 2000, "Cc": 2000}
    assert codes(await city.get("/cse-in/g/fopt?grtm=cse-in/inner/fopt")) == {"Ca": 2000, "Cb": 2000}
    assert codes(await city.get("/cse-in/g/fopt", X_M2M_GTM="Ca&Cc")) == {"Ca": 2000, "Cc": 2000}
    stranger = await city.get("/cse-in/g/fopt?grtm=Cb+Capp")
    assert (stranger.rsc, "Capp" in stranger.debug) == (4000, True)


@pytest.mark.parametrize("shared", ["macp", "acpi"])
async def test_edge_07_the_policies_of_the_members_and_those_of_the_group_disagree(city: Client, shared: str) -> None:
    """macp decides about the fanOutPoint, acpi about the group; each member decides about itself."""
    yes, no = await policy(city, "yes", EVERYTHING), await policy(city, "no", NOTIFY)
    await city.update("/cse-in/a", {"m2m:ae": {"acpi": [yes]}}, "Ca")
    other = {"macp": "acpi", "acpi": "macp"}[shared]
    await group(city, "Ca", "Cb", **{shared: [yes], other: [no]})
    through, itself = await city.get("/cse-in/g/fopt", "Capp"), await city.get("/cse-in/g", "Capp")
    if shared == "macp":
        assert codes(through) == {"Ca": 2000, "Cb": 4103}
        assert itself.rsc == 4103
    else:
        assert through.rsc == 4103
        assert itself.rsc == 2000


async def test_edge_07_without_policies_for_members_those_of_the_group_decide(city: Client) -> None:
    reading = await policy(city, "reading", RETRIEVE)
    await city.update("/cse-in/a", {"m2m:ae": {"acpi": [await policy(city, "yes", EVERYTHING)]}}, "Ca")
    await group(city, "Ca", acpi=[reading])
    assert codes(await city.get("/cse-in/g/fopt", "Capp")) == {"Ca": 2000}
    assert (await city.create("/cse-in/g/fopt", 3, {"m2m:cnt": {}}, "Capp")).rsc == 4103
    assert (await city.delete("/cse-in/g/fopt", "Capp")).rsc == 4103


async def test_edge_08_as_many_members_as_there_can_be(city: Client) -> None:
    assert (await group(city, "Ca", "Cb", mnm=1)).rsc == 6010
    assert (await city.get("/cse-in/g")).rsc == 4004
    assert (await group(city, "Ca", "Cb", mnm=2)).rsc == 2001
    assert (await city.update("/cse-in/g", {"m2m:grp": {"mid": ["Ca", "Cb", "Cc"]}})).rsc == 6010
    refused = await city.update("/cse-in/g", {"m2m:grp": {"mnm": 1}})
    assert (refused.rsc, "mnm" in refused.debug) == (6010, True)
    assert await members(city) == ["Ca", "Cb"]
    assert (await city.update("/cse-in/g", {"m2m:grp": {"mnm": 1, "mid": ["Cb"]}})).rsc == 2004
    assert await members(city) == ["Cb"]


async def test_edge_09_one_member_in_all_forms_of_its_address(city: Client) -> None:
    box = (await city.get("/cse-in/a/box")).resource["ri"]
    relative = [box, "cse-in/a/box", "Ca/box", "-/a/box"]
    forms = [form for one in relative for form in (one, f"/id-in/{one}", f"//cse.example/id-in/{one}")]
    assert (await group(city, *forms, "Cb", mnm=2)).rsc == 2001
    assert await members(city) == [box, "Cb"]
    elsewhere = ["/id-far/cse-far/x", "//cse.example/id-far/cse-far/x", "//other.example/id-far/cse-far/x"]
    assert (await city.update("/cse-in/g", {"m2m:grp": {"mid": elsewhere}})).rsc == 2004
    assert await members(city) == [elsewhere[0], elsewhere[2]]


@pytest.mark.parametrize("csy", [None, 1, 2, 3])
async def test_edge_10_members_of_another_type(city: Client, csy: int | None) -> None:
    strategy = {} if csy is None else {"csy": csy}
    answer = await group(city, "Ca", "cse-in/b/box", mt=2, **strategy)
    if csy == 2:
        assert (answer.rsc, "cse-in/b/box" in answer.debug) == (4110, True)
        assert (await city.get("/cse-in/g")).rsc == 4004
        return
    made = answer.resource
    kept = (0, ["Ca", "cse-in/b/box"]) if csy == 3 else (2, ["Ca"])
    assert ((made["mt"], made["mid"]), made["cnm"], made["mtv"]) == (kept, len(kept[1]), True)


async def test_edge_10_groups_and_instances_have_types_too(city: Client) -> None:
    await group(city, "cse-in/a/box", name="boxes", mt=3)
    await group(city, "cse-in/a", name="mixed")
    wanted = ["cse-in/boxes/fopt", "cse-in/mixed/fopt", "cse-in/b/box", "cse-in/b/box/la"]
    assert (await group(city, *wanted, mt=3)).resource["mid"] == ["cse-in/boxes/fopt", "cse-in/b/box"]
    latest = await group(city, "cse-in/b/box/la", "cse-in/b/box/ol", "cse-in/b/box", name="latest", mt=20002)
    assert latest.resource["mid"] == ["cse-in/b/box/la"]
    oldest = await group(city, "cse-in/b/box/la", "cse-in/b/box/ol", name="oldest", mt=20001)
    assert oldest.resource["mid"] == ["cse-in/b/box/ol"]


@pytest.mark.parametrize("member", ["cse-in/a/box", "cse-in/a/box/la"])
async def test_edge_10_members_that_the_originator_may_not_see_are_not_checked(city: Client, member: str) -> None:
    content = {"rn": "g", "mnm": 5, "mt": 3, "csy": 1, "mid": [member]}
    refused = await city.create("/cse-in/app", 9, {"m2m:grp": content}, "Capp")
    assert (refused.status, refused.rsc, member in refused.debug) == (403, 5105, True)
    assert (await city.get("/cse-in/app/g")).rsc == 4004
    assert (await city.create("/cse-in/app", 9, {"m2m:grp": content | {"mt": 0}}, "Capp")).rsc == 2001


@pytest.mark.parametrize("number", [45, 10005])
async def test_edge_10_types_that_no_group_is_for(city: Client, number: int) -> None:
    assert (await group(city, mt=number)).rsc == 4000


async def test_edge_10_a_member_that_can_not_be_reached_is_kept(city: Client) -> None:
    made = (await group(city, "cse-in/a/box", "/id-far/cse-far/box", mt=3, csy=2)).resource
    assert (made["mid"], made["mtv"]) == (["cse-in/a/box", "/id-far/cse-far/box"], False)
    assert (await city.update("/cse-in/g", {"m2m:grp": {"mid": ["cse-in/a/box"]}})).resource["mtv"] is True
    assert (await city.update("/cse-in/g", {"m2m:grp": {"mtv": True}})).rsc == 4000


async def test_edge_10_subscribers_hear_of_the_validation(city: Client, listener: Listener) -> None:
    await group(city, "cse-in/a/box", "/id-far/cse-far/box", mt=3)
    subscription = {"nu": [listener.url], "nct": 2, "enc": {"net": [1], "atr": ["mtv"]}}
    assert (await city.create("/cse-in/g", 23, {"m2m:sub": subscription})).rsc == 2001
    assert "vrq" in (await listener.next())["m2m:sgn"]
    await city.update("/cse-in/g", {"m2m:grp": {"gn": "boxes"}})
    await city.update("/cse-in/g", {"m2m:grp": {"mid": ["cse-in/a/box"]}})
    assert (await listener.next())["m2m:sgn"]["nev"]["rep"]["m2m:grp"]["mtv"] is True


async def test_edge_11_what_stands_behind_the_members_may_be_missing(city: Client) -> None:
    await city.delete("/cse-in/b/box", "Cb")
    await group(city, "Ca", "Cb", "Cc")
    answer = await city.get("/cse-in/g/fopt/box/la")
    assert codes(answer) == {"Ca": 2000, "Cb": 4004, "Cc": 2000}
    contents = {item["fr"]: item["pc"] for item in answer.content["m2m:agr"]["m2m:rsp"]}
    assert contents["Cc"]["m2m:cin"]["con"] == "c"
    assert "cse-in/b" in contents["Cb"]["m2m:dbg"] or "Cb" in contents["Cb"]["m2m:dbg"]


async def test_edge_12_members_that_are_deleted_leave_the_group(city: Client) -> None:
    await group(city, "cse-in/a/box", "cse-in/b/box", "cse-in/c/box")
    assert set(codes(await city.delete("/cse-in/g/fopt?grtm=cse-in/a/box")).values()) == {2002}
    assert await members(city) == ["cse-in/b/box", "cse-in/c/box"]
    assert set(codes(await city.delete("/cse-in/g/fopt/la")).values()) == {2002}
    assert await members(city) == ["cse-in/b/box", "cse-in/c/box"]
    assert (await city.get("/cse-in/b/box")).resource["cni"] == 0
    assert set(codes(await city.delete("/cse-in/g/fopt")).values()) == {2002}
    assert await members(city) == []
    assert (await city.get("/cse-in/g/fopt")).rsc == 4109


async def test_edge_12_the_container_of_a_latest_instance_stays(city: Client) -> None:
    await group(city, "cse-in/a/box/la", "cse-in/b/box/la")
    assert set(codes(await city.delete("/cse-in/g/fopt")).values()) == {2002}
    assert await members(city) == ["cse-in/a/box/la", "cse-in/b/box/la"]
    assert set(codes(await city.get("/cse-in/g/fopt")).values()) == {4004}


def test_every_edge_case_has_a_test() -> None:
    found = {
        int(number)
        for path in HERE.rglob("test_*.py")
        for number in re.findall(r"^async def test_edge_(\d\d)_", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert not set(CASES) - found
