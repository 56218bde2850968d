"""Many members on one other CSE: a group is made for them there, and one request goes to all of them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cse.subgroups.network import SubGroups
from tests.servers import Answer, Client, eventually
from tests.test_server_group_federation import Federation, codes, federation

MANY = [f"m{number}" for number in range(4)]


@pytest.fixture
async def pair(clean_log: None) -> AsyncIterator[Federation]:
    async with federation("in", "mn", sub_group_members=3) as found:
        yield found


async def groups(client: Client) -> list[str]:
    """The groups that the other CSE has at this one."""
    found: list[str] = (await client.get("/-?fu=1&ty=9")).content["m2m:uril"]
    return [name for name in found if name != "cse-mn/g"]


async def members(client: Client) -> list[list[str]]:
    return [list((await client.get(f"/{name}")).resource["mid"]) for name in await groups(client)]


async def ready(pair: Federation, expected: list[list[str]]) -> None:
    """Wait until there are groups of these members at the other CSE, and can be used."""
    network = pair.servers["in"].server.core.networks[SubGroups.name]
    assert isinstance(network, SubGroups)
    await eventually(lambda: members(pair["mn"]), lambda found: found == expected)
    ri = (await pair.client.get("/-/g")).resource["ri"] if expected else ""

    async def usable() -> list[list[str]]:
        return [sorted(each.members) for each in network._upkeep.of(ri).values()]

    await eventually(usable, lambda found: found == [sorted(each) for each in expected])


async def ask(pair: Federation, path: str = "/-/g/fopt", **headers: Any) -> Answer:
    return await pair.client.get(path, "Cin", **headers)


async def network_of(pair: Federation, method: str = "GET", path: str = "/-/g/fopt", **request: Any) -> dict[str, int]:
    """How many members a request reached by which network."""
    joint = "&" if "?" in path else "?"
    accepted = await pair.client.request(method, f"{path}{joint}rt=1", "Cin", **request)
    address = "/" + accepted.content["m2m:uri"]
    await eventually(lambda: pair.client.get(address, "Cin"), lambda answer: answer.resource["rs"] in (1, 2))
    report = (await pair.client.get(f"/.cse/campaigns{address}")).content
    return {name: totals["answered"] for name, totals in report["networks"].items() if totals["answered"]}


async def test_one_request_for_all(pair: Federation) -> None:
    boxes = await pair.boxes("mn", *MANY)
    await pair.boxes("in", "here")
    everybody = ["cse-in/here", *boxes]
    await pair.group("in", *everybody)
    await ready(pair, [boxes])
    assert codes(await ask(pair)) == dict.fromkeys(everybody, 2000)
    assert await network_of(pair) == {"local": 1, "sub-group": 4}
    made = await pair.client.create("/-/g/fopt", 4, {"m2m:cin": {"con": "1"}}, "Cin")
    assert codes(made) == dict.fromkeys(everybody, 2001)
    latest = await ask(pair, "/-/g/fopt/la")
    values = {item["fr"]: item["pc"]["m2m:cin"]["con"] for item in latest.content["m2m:agr"]["m2m:rsp"]}
    assert values == dict.fromkeys(everybody, "1")
    assert (await pair.client.get("/-/g")).resource["mid"] == everybody


async def test_it_follows_the_group(pair: Federation) -> None:
    boxes = await pair.boxes("mn", *MANY)
    await pair.group("in", *boxes)
    await ready(pair, [boxes])
    first = await groups(pair["mn"])
    await pair.client.update("/-/g", {"m2m:grp": {"mid": boxes[:3]}})
    await ready(pair, [boxes[:3]])
    assert await groups(pair["mn"]) == first
    assert codes(await ask(pair)) == dict.fromkeys(boxes[:3], 2000)
    await pair.client.update("/-/g", {"m2m:grp": {"mid": boxes[:2]}})
    await ready(pair, [])
    assert await network_of(pair) == {"http-unicast": 2}
    await pair.client.update("/-/g", {"m2m:grp": {"mid": boxes}})
    await ready(pair, [boxes])
    await pair.client.delete("/-/g")
    await ready(pair, [])
    policies = await eventually(lambda: pair["mn"].get("/-?fu=1&ty=1"), lambda found: not _below_id_in(found))
    assert "cse-mn/open" in policies.content["m2m:uril"]


def _below_id_in(found: Answer) -> list[str]:
    return [each for each in found.content["m2m:uril"] if each.startswith("cse-mn/id-in/")]


async def test_members_judge_for_themselves(pair: Federation) -> None:
    boxes = await pair.boxes("mn", *MANY[1:])
    await pair["mn"].create("/-", 3, {"m2m:cnt": {"rn": "closed"}})
    closed = "/id-mn/cse-mn/closed"
    await pair.group("in", *boxes, closed)
    await ready(pair, [[*boxes, closed]])
    assert codes(await ask(pair)) == dict.fromkeys(boxes, 2000) | {closed: 4103}


async def test_some_of_the_members(pair: Federation) -> None:
    """Whoever is not meant must not get it: the request names the others, or goes to each of them."""
    boxes = await pair.boxes("mn", *MANY)
    await pair.group("in", *boxes)
    await ready(pair, [boxes])
    assert await network_of(pair, X_M2M_GTM="&".join(boxes[:3])) == {"sub-group": 3}
    assert await network_of(pair, X_M2M_GTM="&".join(boxes[:2])) == {"http-unicast": 2}
    assert codes(await ask(pair, X_M2M_GTM="&".join(boxes[:3]))) == dict.fromkeys(boxes[:3], 2000)


async def test_without_it_the_members_are_asked_one_by_one(pair: Federation) -> None:
    boxes = await pair.boxes("mn", *MANY)
    await pair.group("in", *boxes)
    await ready(pair, [boxes])
    (name,) = await groups(pair["mn"])
    await pair["mn"].delete(f"/{name}")
    assert await network_of(pair, "PUT", content={"m2m:cnt": {"mni": 3}}, X_M2M_RET="9000") == {"http-unicast": 4}
    assert await groups(pair["mn"]) == []


async def test_a_member_that_has_gone_there(pair: Federation) -> None:
    boxes = await pair.boxes("mn", *MANY)
    await pair.group("in", *boxes)
    await ready(pair, [boxes])
    await pair["mn"].delete("/-/m0")
    answer = await ask(pair, X_M2M_RET="9000")
    assert codes(answer) == dict.fromkeys(boxes[1:], 2000) | {boxes[0]: 4004}


async def test_a_cse_that_does_not_let_us(pair: Federation) -> None:
    boxes = await pair.boxes("mn", *MANY)
    await pair["mn"].delete("/-/id-in", "/id-in")
    await pair.group("in", *boxes)
    assert await network_of(pair) == {"http-unicast": 4}
    assert await groups(pair["mn"]) == []


async def test_groups_there_stay_one_item(pair: Federation) -> None:
    boxes = await pair.boxes("mn", *MANY)
    inner = await pair.group("mn", *boxes)
    await pair.group("in", inner, *boxes[:3])
    await ready(pair, [boxes[:3]])
    answer = await ask(pair)
    assert codes(answer) == dict.fromkeys([inner, *boxes[:3]], 2000)
    (nested,) = (item for item in answer.content["m2m:agr"]["m2m:rsp"] if item["fr"] == inner)
    assert len(nested["pc"]["m2m:agr"]["m2m:rsp"]) == 4
