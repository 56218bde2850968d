"""Groups with members on another CSE: their types are checked there, and what they notify is collected here."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.federations import cse, introduce, register
from tests.multicast import IP, MBMS, federation, member_address
from tests.servers import Answer, Client, Listener, Running, eventually, serving
from tests.test_server_group_federation import federation as of_two
from tests.test_server_sub_groups import MANY, ready

DEAD = "http://127.0.0.1:1"  # nobody listens there
FAR = "/id-mn/cse-mn"
RULES = {"acr": [{"acor": ["/id-in/Capp"], "acop": 63}]}


class Pair:
    """`inner` is /id-in with the AE Capp and its container `near`; `middle` is /id-mn, where Capp may do everything.

    There, `far` is a container, `thing` an AE, `few` a group of containers, and `secret` one that is not Capp's.
    """

    def __init__(self, inner: Running, middle: Running) -> None:
        self.inner, self.middle = inner, middle
        self.client = inner.client

    async def furnish(self) -> None:
        await register(self.inner.client, "app")
        await self.inner.client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "near"}}, "Capp")
        far = self.middle.client
        await far.create("/-", 1, {"m2m:acp": {"rn": "open", "pv": RULES, "pvs": RULES}})
        await register(far, "thing", acpi=["cse-mn/open"])
        for ty, root, attributes in [
            (3, "cnt", {"rn": "far"}),
            (9, "grp", {"rn": "few", "mt": 3, "mnm": 9, "mid": []}),
        ]:
            await far.create("/-", ty, {f"m2m:{root}": attributes | {"acpi": ["cse-mn/open"]}})
        await far.create("/-", 3, {"m2m:cnt": {"rn": "secret"}})

    async def group(self, *members: str, **attributes: Any) -> Answer:
        """Capp makes a group of containers."""
        content = {"rn": "g", "mnm": 9, "mt": 3, "mid": list(members)} | attributes
        return await self.client.create("/cse-in/app", 9, {"m2m:grp": content}, "Capp")

    async def move(self, url: str) -> None:
        """/id-mn tells /id-in where it is from now on."""
        assert (await self.client.update("/id-mn", {"m2m:csr": {"poa": [url]}}, "/id-mn")).rsc == 2004


@pytest.fixture
async def pair(clean_log: None) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as held:
        inner = await held.enter_async_context(serving(**cse("in"), forwarding_timeout=2.0))
        middle = await held.enter_async_context(serving(**cse("mn"), forwarding_timeout=2.0))
        await introduce(inner, "mn", middle.client.url)
        await introduce(middle, "in", inner.client.url)
        both = Pair(inner, middle)
        await both.furnish()
        yield both


async def shown(client: Client) -> dict[str, Any]:
    return (await client.get("/cse-in/app/g", "Capp")).resource


async def test_edge_10_members_elsewhere_are_of_the_type(pair: Pair) -> None:
    made = (await pair.group("cse-in/app/near", f"{FAR}/far", f"{FAR}/few/fopt", csy=2)).resource
    assert (made["cnm"], made["mtv"]) == (3, True)


@pytest.mark.parametrize("csy", [1, 2, 3])
async def test_edge_10_members_elsewhere_of_another_type(pair: Pair, csy: int) -> None:
    answer = await pair.group("cse-in/app/near", f"{FAR}/thing", csy=csy)
    if csy == 2:
        assert (answer.rsc, f"{FAR}/thing" in answer.debug) == (4110, True)
        return
    expected = {1: (3, ["cse-in/app/near"]), 3: (0, ["cse-in/app/near", f"{FAR}/thing"])}[csy]
    assert ((answer.resource["mt"], answer.resource["mid"]), answer.resource["mtv"]) == (expected, True)


@pytest.mark.parametrize(("name", "rsc"), [("secret", 5105), ("nowhere", 4004)])
async def test_edge_10_members_elsewhere_that_can_not_be_seen(pair: Pair, name: str, rsc: int) -> None:
    answer = await pair.group("cse-in/app/near", f"{FAR}/{name}")
    assert (answer.rsc, f"{FAR}/{name}" in answer.debug) == (rsc, True)
    assert (await pair.client.get("/cse-in/app/g", "Capp")).rsc == 4004


async def test_edge_10_a_member_is_checked_when_its_cse_is_back(pair: Pair, listener: Listener) -> None:
    await pair.move(DEAD)
    made = (await pair.group("cse-in/app/near", f"{FAR}/far")).resource
    assert (made["cnm"], made["mtv"]) == (2, False)
    subscription = {"nu": [listener.url], "nct": 2, "enc": {"net": [1], "atr": ["mtv"]}}
    assert (await pair.client.create("/cse-in/app/g", 23, {"m2m:sub": subscription}, "Capp")).rsc == 2001
    assert "vrq" in (await listener.next())["m2m:sgn"]
    await pair.move(pair.middle.client.url)
    assert (await listener.next())["m2m:sgn"]["nev"]["rep"] == {"m2m:grp": {"mtv": True}}
    assert (await shown(pair.client))["mtv"] is True


@pytest.mark.parametrize("csy", [1, 2, 3])
async def test_edge_10_a_member_turns_out_to_be_of_another_type(pair: Pair, csy: int) -> None:
    await pair.move(DEAD)
    members = ["cse-in/app/near", f"{FAR}/thing"]
    assert (await pair.group(*members, csy=csy)).resource["mtv"] is False
    await pair.move(pair.middle.client.url)
    if csy == 2:
        await eventually(lambda: pair.client.get("/cse-in/app/g", "Capp"), lambda answer: answer.rsc == 4004)
        return
    group = await eventually(lambda: shown(pair.client), lambda one: bool(one["mtv"]))
    assert (group["mt"], group["mid"]) == {1: (3, members[:1]), 3: (0, members)}[csy]


async def test_edge_19_notifications_of_two_cses_come_together(pair: Pair, listener: Listener) -> None:
    await pair.group("cse-in/app/near", f"{FAR}/far")
    content = {"rn": "news", "nu": [listener.url], "nfu": [listener.url], "nct": 3, "enc": {"net": [3]}}
    answer = await pair.client.create("/cse-in/app/g/fopt", 23, {"m2m:sub": content}, "Capp")
    assert {item["rsc"] for item in answer.content["m2m:agr"]["m2m:rsp"]} == {2001}
    assert "vrq" in (await listener.next())["m2m:sgn"]
    for path in ("/cse-in/app/near", f"/~{FAR}/far"):
        assert (await pair.client.create(path, 4, {"m2m:cin": {"con": "1"}}, "Capp")).rsc == 2001
    together = (await listener.next())["m2m:agn"]["m2m:sgn"]
    assert {one["sur"].rpartition("/")[0] for one in together} == {"/id-in", "/id-mn"}
    assert listener.received == []


async def test_edge_19_a_group_in_the_group_passes_notifications_on(pair: Pair, listener: Listener) -> None:
    """The host of the inner group takes those of its members, and hands each to the host of the outer one."""
    far = pair.middle.client
    assert (await far.update("/cse-mn/few", {"m2m:grp": {"mid": ["cse-mn/far"]}})).rsc == 2004
    await pair.group("cse-in/app/near", f"{FAR}/few/fopt")
    content = {"rn": "news", "nu": [listener.url], "nfu": [listener.url], "nct": 3, "enc": {"net": [3]}}
    await pair.client.create("/cse-in/app/g/fopt", 23, {"m2m:sub": content}, "Capp")
    below = (await far.get("/cse-mn/far/news")).resource
    assert below["nu"] == [f"/id-mn/{(await far.get('/cse-mn/few')).resource['ri']}"]
    assert "vrq" in (await listener.next())["m2m:sgn"]
    for path in ("/cse-in/app/near", f"/~{FAR}/far"):
        assert (await pair.client.create(path, 4, {"m2m:cin": {"con": "1"}}, "Capp")).rsc == 2001
    together = (await listener.next())["m2m:agn"]["m2m:sgn"]
    assert {one["sur"].rpartition("/")[0] for one in together} == {"/id-in", "/id-mn"}


async def test_edge_21_each_member_of_a_mixed_group_by_what_its_cse_can_do() -> None:
    """3 on CSEs with IP multicast, 2 with MBMS (without a network for it: by unicast), 5 by unicast or in this tree."""
    async with federation(mn1=IP, mn2=IP, mn3=IP, mn4=MBMS, mn5=MBMS, mn6=0) as city:
        client = city.home.client
        for name in ("x", "y"):
            await client.create("/cse-in", 3, {"m2m:cnt": {"rn": name}})
        by_ip = [f"mn{number}/c1" for number in (1, 2, 3)]
        others = ["mn4/c1", "mn5/c1", "mn6/c1", "mn6/c2", "mn6/c3"]
        await city.group(*by_ip, *others)
        members = [*map(member_address, [*by_ip, *others]), "cse-in/x", "cse-in/y"]
        assert (await client.update("/cse-in/city", {"m2m:grp": {"mid": members}})).rsc == 2004
        await city.listens(**{member.partition("/")[0]: [member] for member in by_ip})
        result = await city.fan_out()
        assert result.codes == dict.fromkeys(members, 2000)
        assert (result.networks, result.multicasts) == ({"udp-multicast": 3, "http-unicast": 5, "local": 2}, 1)


async def test_edge_19_members_that_are_addressed_together_notify_the_group_itself(listener: Listener) -> None:
    """The group that is made for them at their CSE may go at any time."""
    async with of_two("in", "mn", sub_group_members=3) as pair:
        boxes = await pair.boxes("mn", *MANY)
        await pair.group("in", *boxes)
        await ready(pair, [boxes])
        content = {"rn": "news", "nu": [listener.url], "nfu": [listener.url], "nct": 3, "enc": {"net": [3]}}
        answer = await pair.client.create("/-/g/fopt", 23, {"m2m:sub": content}, "Cin")
        assert {item["rsc"] for item in answer.content["m2m:agr"]["m2m:rsp"]} == {2001}
        assert "vrq" in (await listener.next())["m2m:sgn"]
        group = (await pair.client.get("/-/g")).resource["ri"]
        subscription = (await pair["mn"].get(f"{boxes[0].removeprefix('/id-mn')}/news")).resource
        assert (subscription["nu"], subscription["gpi"]) == ([f"/id-in/{group}"], f"/id-in/{group}")
        await pair.client.create("/-/g/fopt", 4, {"m2m:cin": {"con": "1"}}, "Cin")
        assert len((await listener.next())["m2m:agn"]["m2m:sgn"]) == len(MANY)
