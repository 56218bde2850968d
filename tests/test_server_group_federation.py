"""Groups over several of our servers: members elsewhere, groups in groups elsewhere, and what comes of them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import permutations
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.federations import cse, introduce, register
from tests.servers import Answer, Client, Running, eventually, serving

BOX = {"m2m:cnt": {"rn": "box"}}
INSTRUCTION = {"m2m:sgn": {"sur": "x", "nev": {"rep": {"m2m:cin": {"con": '{"interval": 900}'}}}}}
EVERYBODY = {"acr": [{"acor": ["all"], "acop": 63}]}


class Federation:
    """Servers `in`, `mn` and `far`, each of which knows the others; each has an AE `C<name>` and a policy `open`.

    `m2m:agr` items are looked at by `codes`. Requests go to the first one, as `Capp`.
    """

    def __init__(self, servers: dict[str, Running]) -> None:
        self.servers = servers

    @property
    def client(self) -> Client:
        return self.servers["in"].client

    def __getitem__(self, name: str) -> Client:
        return self.servers[name].client

    async def group(self, home: str, *members: str, name: str = "g", **attributes: Any) -> str:
        """A group that everybody may use; its fanOutPoint, SP-relative."""
        mid = [at(home, member) for member in members]
        content = {"rn": name, "mnm": 50, "mid": mid, "macp": [f"cse-{home}/open"]} | attributes
        answer = await self[home].create("/-", 9, {"m2m:grp": content})
        assert answer.rsc == 2001, answer
        return f"/id-{home}/cse-{home}/{name}/fopt"

    async def boxes(self, home: str, *names: str) -> list[str]:
        """Containers that everybody may use; their addresses, SP-relative."""
        for name in names:
            content = {"m2m:cnt": {"rn": name, "acpi": [f"cse-{home}/open"]}}
            assert (await self[home].create("/-", 3, content)).rsc == 2001
        return [f"/id-{home}/cse-{home}/{name}" for name in names]

    async def stop(self, name: str) -> None:
        """It does not answer any more."""
        for home, server in self.servers.items():
            if home != name:
                gone = {"m2m:csr": {"poa": ["http://127.0.0.1:1"]}}
                assert (await server.client.update(f"/-/id-{name}", gone, f"/id-{name}")).rsc == 2004


@pytest.fixture
async def three(clean_log: None) -> AsyncIterator[Federation]:
    async with federation("in", "mn", "far") as found:
        yield found


@asynccontextmanager
async def federation(*names: str, **settings: Any) -> AsyncIterator[Federation]:
    """Servers that are called so."""
    async with AsyncExitStack() as held:
        servers = {name: await held.enter_async_context(serving(**cse(name), **settings)) for name in names}
        for home, other in permutations(names, 2):
            await introduce(servers[home], other, servers[other].client.url)
        for name, server in servers.items():
            await server.client.create("/-", 1, {"m2m:acp": {"rn": "open", "pv": EVERYBODY, "pvs": EVERYBODY}})
            await register(server.client, name, f"loopback://{name}", acpi=[f"cse-{name}/open"])
        yield Federation(servers)


def at(home: str, address: str) -> str:
    """An SP-relative address as the server there calls it."""
    return address.removeprefix(f"/id-{home}/")


def parts(answer: Answer) -> dict[str, Any]:
    """The items of an aggregate by member."""
    assert answer.rsc == 2000, answer
    return {item["fr"]: item for item in answer.content["m2m:agr"]["m2m:rsp"]}


def codes(answer: Answer) -> dict[str, int]:
    return {member: item["rsc"] for member, item in parts(answer).items()}


def codes_in(item: dict[str, Any]) -> dict[str, int]:
    """Those of an aggregate in an item."""
    return {inner["fr"]: inner["rsc"] for inner in item["pc"]["m2m:agr"]["m2m:rsp"]}


async def test_every_operation_through_a_group_over_two_servers(three: Federation) -> None:
    client = three.client
    members = [*(await three.boxes("mn", "a", "b")), "cse-in/c"]
    await three.boxes("in", "c")
    await three.group("in", *members)
    created = await client.create("/-/g/fopt", 4, {"m2m:cin": {"con": "1"}}, "Cin")
    assert codes(created) == dict.fromkeys(members, 2001)
    assert {item["pc"]["m2m:cin"]["con"] for item in parts(created).values()} == {"1"}
    assert codes(await client.update("/-/g/fopt?rcn=0", {"m2m:cnt": {"mni": 3}}, "Cin")) == dict.fromkeys(members, 2004)
    read = parts(await client.get("/-/g/fopt", "Cin"))
    assert [read[member]["pc"]["m2m:cnt"]["mni"] for member in members] == [3, 3, 3]
    latest = parts(await client.get("/-/g/fopt/la", "Cin"))
    assert [latest[member]["pc"]["m2m:cin"]["con"] for member in members] == ["1", "1", "1"]
    assert {item["to"] for item in latest.values()} == {"Cin"}
    found = parts(await client.get("/-/g/fopt?fu=1&ty=4", "Cin"))
    assert {len(item["pc"]["m2m:uril"]) for item in found.values()} == {1}
    assert codes(await client.delete("/-/g/fopt", "Cin")) == dict.fromkeys(members, 2002)


async def test_a_device_request_to_an_ae_at_another_server(three: Federation) -> None:
    await three.group("in", "Cin", "/id-mn/Cmn", "/id-far/cse-far/far")
    answer = await three.client.request("POST", "/-/g/fopt", "Cin", content=INSTRUCTION)
    assert codes(answer) == dict.fromkeys(["Cin", "/id-mn/Cmn", "/id-far/cse-far/far"], 2000)
    assert {item["pc"]["m2m:sgn"]["sur"] for item in parts(answer).values()} == {"x"}


async def test_members_elsewhere_judge_the_original_originator(three: Federation) -> None:
    only = {"acr": [{"acor": ["/id-in/Cin"], "acop": 63}]}
    await three["mn"].create("/-", 1, {"m2m:acp": {"rn": "only", "pv": only, "pvs": only}})
    await three["mn"].create("/-", 3, {"m2m:cnt": {"rn": "a", "acpi": ["cse-mn/only"]}})
    await three.boxes("mn", "b")
    await register(three.client, "other")
    await three.group("in", "/id-mn/cse-mn/a", "/id-mn/cse-mn/b", macp=["cse-in/open"])
    assert codes(await three.client.get("/-/g/fopt", "Cin")) == {"/id-mn/cse-mn/a": 2000, "/id-mn/cse-mn/b": 2000}
    assert codes(await three.client.get("/-/g/fopt", "Cother")) == {"/id-mn/cse-mn/a": 4103, "/id-mn/cse-mn/b": 2000}
    await three.client.update("/-/g", {"m2m:grp": {"macp": None}})
    assert (await three.client.get("/-/g/fopt", "Cother")).rsc == 4103


async def test_the_answer_of_a_group_elsewhere_is_one_item(three: Federation) -> None:
    inner = await three.group("mn", *(await three.boxes("mn", "a", "b")))
    await three.group("in", inner, "Cin")
    answer = parts(await three.client.get("/-/g/fopt", "Cin"))
    assert codes_in(answer[inner]) == {"cse-mn/a": 2000, "cse-mn/b": 2000}
    assert (answer[inner]["rsc"], answer["Cin"]["rsc"]) == (2000, 2000)
    named = await three.client.get("/-/g/fopt", "Cin", X_M2M_GTM=inner)
    assert list(parts(named)) == [inner]


async def test_edge_02_two_groups_on_two_servers_that_point_at_each_other(three: Federation) -> None:
    (box,) = await three.boxes("mn", "a")
    await three.group("in", "Cin", "/id-mn/cse-mn/h/fopt")
    await three.group("mn", box, "/id-in/cse-in/g/fopt", name="h")
    answer = parts(await three.client.get("/-/g/fopt", "Cin"))
    assert answer["Cin"]["rsc"] == 2000
    assert codes_in(answer["/id-mn/cse-mn/h/fopt"]) == {"cse-mn/a": 2000, "/id-in/cse-in/g/fopt": 4104}


async def test_edge_02_two_ways_to_one_group(three: Federation) -> None:
    """A group that has been opened here does not get the request once more by way of another server."""
    await three.group("in", "Cin", name="shared")
    inner = await three.group("mn", "/id-in/cse-in/shared/fopt", "/id-mn/Cmn")
    await three.group("in", "cse-in/shared/fopt", inner)
    answer = parts(await three.client.get("/-/g/fopt", "Cin"))
    assert answer["Cin"]["rsc"] == 2000
    assert codes_in(answer[inner]) == {"/id-in/cse-in/shared/fopt": 4104, "Cmn": 2000}


async def test_edge_03_three_deep_with_a_branch_that_can_not_be_reached(three: Federation) -> None:
    far = await three.group("far", *(await three.boxes("far", "a")), "/id-gone/cse/x")
    middle = await three.group("mn", far, "/id-mn/Cmn")
    await three.group("in", middle, "Cin")
    answer = parts(await three.client.get("/-/g/fopt", "Cin"))
    deeper = {item["fr"]: item for item in answer[middle]["pc"]["m2m:agr"]["m2m:rsp"]}
    assert codes_in(deeper[far]) == {"cse-far/a": 2000, "/id-gone/cse/x": 5103}
    await three.stop("far")
    answer = parts(await three.client.get("/-/g/fopt", "Cin", X_M2M_RET="3000"))
    assert codes_in(answer[middle]) == {far: 5103, "Cmn": 2000}


async def test_edge_04_a_member_elsewhere_that_answers_too_late(three: Federation) -> None:
    """The server with the slow member gives up in time: what it has is in the result."""
    await register(three["mn"], "slow", "loopback://silent", acpi=["cse-mn/open"])
    inner = await three.group("mn", "/id-mn/Cmn", "/id-mn/Cslow")
    await three.group("in", inner, "/id-mn/Cslow", "Cin")
    answer = await three.client.request("POST", "/-/g/fopt", "Cin", content=INSTRUCTION, X_M2M_RET="1500")
    assert {member: item["rsc"] for member, item in parts(answer).items()} == {
        inner: 2000,
        "/id-mn/Cslow": 4008,
        "Cin": 2000,
    }
    assert codes_in(parts(answer)[inner]) == {"Cmn": 2000}


async def test_edge_11_what_stands_behind_a_member_elsewhere_is_missing(three: Federation) -> None:
    members = await three.boxes("mn", "a", "b")
    await three.group("in", *members)
    assert codes(await three.client.get("/-/g/fopt/nothing", "Cin")) == dict.fromkeys(members, 4004)


async def test_edge_12_members_elsewhere_that_are_deleted_leave_the_group(three: Federation) -> None:
    first, second = await three.boxes("mn", "a", "b")
    await three["mn"].create("/-/b", 4, {"m2m:cin": {"con": "1"}}, "Cmn")
    await three.group("in", first, f"{second}/la", "Cin")
    assert codes(await three.client.delete("/-/g/fopt", "Cmn")) == {first: 2002, f"{second}/la": 2002, "Cin": 2002}
    assert (await three.client.get("/-/g")).resource["mid"] == [f"{second}/la"]


async def test_edge_13_polling_for_members_here_and_elsewhere(three: Federation) -> None:
    members = ["Cin", *(await three.boxes("mn", "a"))]
    await three.group("in", *members)
    accepted = await three.client.get("/-/g/fopt?rt=1", "Cin")
    assert accepted.rsc == 1001
    address = "/" + accepted.content["m2m:uri"]
    done = await eventually(lambda: three.client.get(address, "Cin"), lambda answer: answer.resource["rs"] == 1)
    result = done.resource["ors"]["pc"]["m2m:agr"]["m2m:rsp"]
    assert {item["fr"]: item["rsc"] for item in result} == dict.fromkeys(members, 2000)


async def test_what_is_repeated_because_the_answer_was_lost_is_done_once(three: Federation) -> None:
    """Between the servers there is something that swallows the first answer."""
    async with Swallowing(three["mn"].url) as between:
        await three.client.update("/-/id-mn", {"m2m:csr": {"poa": [between.url]}}, "/id-mn")
        (box,) = await three.boxes("mn", "a")
        await three.group("in", "/id-mn/cse-mn/a", "Cin")
        content = {"m2m:cnt": {"rn": "b"}}
        answer = await three.client.create("/-/g/fopt", 3, content, "Cin", X_M2M_RET="8000")
        assert codes(answer) == {box: 2001, "Cin": 2001}
        assert between.count == 2


class Swallowing:
    """A web server that hands requests on to another one and closes the connection instead of the first answer."""

    def __init__(self, behind: str) -> None:
        self._behind = behind
        self.count = 0

    async def __aenter__(self) -> "Swallowing":
        self._session = aiohttp.ClientSession()
        application = web.Application()
        application.router.add_route("*", "/{tail:.*}", self._pass)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *raised: Any) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _pass(self, http: web.Request) -> web.StreamResponse:
        body = await http.read()
        url = self._behind + http.path_qs
        async with self._session.request(http.method, url, data=body or None, headers=http.headers) as answer:
            content = await answer.read()
        self.count += 1
        if self.count == 1 and http.transport is not None:
            http.transport.abort()
        headers = {name: value for name, value in answer.headers.items() if name.lower().startswith("x-m2m")}
        return web.Response(status=answer.status, headers=headers, body=content, content_type=answer.content_type)


async def test_edge_18_a_server_elsewhere_that_is_broken_harms_no_other_member(three: Federation) -> None:
    members = await three.boxes("mn", "a")
    far = await three.boxes("far", "a", "b", "c")
    await three.group("in", *far, *members, "Cin")
    await three.stop("far")
    answer = await three.client.get("/-/g/fopt", "Cin", X_M2M_RET="2000")
    assert codes(answer) == dict.fromkeys(far, 5103) | dict.fromkeys([*members, "Cin"], 2000)


async def test_edge_22_answers_of_nobody_who_was_asked_are_dropped(three: Federation) -> None:
    """A server answers later by a notification to the CSEBase: in its own name, and for its own members only."""
    await register(three["mn"], "slow", "loopback://silent", acpi=["cse-mn/open"])
    await three.group("in", "/id-mn/Cslow", "Cin")
    accepted = await three.client.request("POST", "/-/g/fopt?rt=1", "Cin", content=INSTRUCTION, X_M2M_RET="20000")
    request = accepted.content["m2m:uri"]
    campaign = f"/.cse/campaigns/{request}"
    report = await eventually(lambda: three.client.get(campaign), lambda answer: answer.content["state"] == "running")
    identifier = report.content["campaign"]

    async def late(originator: str, rqi: str, fr: str) -> None:
        aggregate = {"m2m:agr": {"m2m:rsp": [{"rsc": 2004, "fr": fr}]}}
        content = {"m2m:rsp": {"rqi": rqi, "rsc": 2000, "pc": aggregate}}
        assert (await three.client.request("POST", "/-", originator, content=content)).rsc == 2000

    await late("/id-mn", "cmp-unknown", "Cslow")
    await late("/id-far", identifier, "Cslow")
    await late("/id-mn", identifier, "/id-far/Cslow")
    await late("/id-mn", identifier, "Cslow")
    done = await eventually(lambda: three.client.get(f"/{request}", "Cin"), lambda answer: answer.resource["rs"] == 1)
    result = done.resource["ors"]["pc"]["m2m:agr"]["m2m:rsp"]
    assert {item["fr"]: item["rsc"] for item in result} == {"/id-mn/Cslow": 2004, "Cin": 2000}
    assert (await three.client.get(campaign)).content["discarded"] == {"stray": 2}
    assert (await three.client.get("/.cse/health")).content["strayAnswers"] == 1
