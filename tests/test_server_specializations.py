"""Management objects and flexContainers over HTTP, by our tables and by those of an operator."""

from pathlib import Path

import pytest

from cse.config import ConfigurationError
from tests.servers import Client, Listener, Running, serving

TABLE = """
["x:press"]
type = "flexContainer"
name = "pressure"
definition = "org.example.pressure"
["x:press".attributes]
pres = { name = "pressure", type = "xs:float", minimum = 0, create = "M" }
zero = { name = "setToZero", type = "xs:boolean", reads_as = false }
"""
CLASS = "org.onem2m.common.moduleclass"
LAMP = {"cod:devLt": {"rn": "lamp", "cnd": "org.onem2m.common.device.deviceLight"}}
SWITCH = {"cod:binSh": {"rn": "switch", "cnd": f"{CLASS}.binarySwitch", "state": False}}
PROBE = {"cod:tempe": {"rn": "probe", "cnd": f"{CLASS}.temperature", "curT0": 21.5, "fcied": True}}


@pytest.fixture
async def house(client: Client) -> Client:
    """AE Capp with a lamp that has a switch, and a thermometer; a node with a battery and its firmware."""
    await client.register("app", "loopback://app")
    await client.create("/cse-in/app", 28, LAMP, "Capp")
    await client.create("/cse-in/app/lamp", 28, SWITCH, "Capp")
    await client.create("/cse-in/app", 28, PROBE, "Capp")
    await client.create("/cse-in", 14, {"m2m:nod": {"rn": "node", "ni": "urn:node"}})
    await client.create("/cse-in/node", 13, {"m2m:bat": {"rn": "bat", "mgd": 1006, "btl": 80, "bts": 1}})
    firmware = {"rn": "fwr", "mgd": 1001, "vr": "1", "fwn": "a", "url": "http://127.0.0.1/a", "ud": False}
    await client.create("/cse-in/node", 13, {"m2m:fwr": firmware})
    return client


async def test_they_are_discovered_by_their_type_and_their_attributes(house: Client) -> None:
    async def found(query: str) -> set[str]:
        return {path.rsplit("/", 1)[1] for path in (await house.get(f"/cse-in?fu=1&{query}")).content["m2m:uril"]}

    assert await found("ty=28") == {"lamp", "switch", "probe"}
    assert await found("ty=13") == {"bat", "fwr"}
    assert await found("mgd=1006") == {"bat"}
    assert await found("ty=28&state=false") == {"switch"}
    assert await found(f"cnd={CLASS}.*&ty=28") == {"switch", "probe"}
    assert len(await found("ty=58")) == 1


async def test_children_are_nested_below_their_own_roots(house: Client) -> None:
    app = (await house.get("/cse-in/app?rcn=4", "Capp")).resource
    assert app["cod:devLt"][0]["cod:binSh"][0]["state"] is False
    (probe,) = app["cod:tempe"]
    assert [instance["ty"] for instance in probe["cod:tempe"]] == [58]
    references = (await house.get("/cse-in/node?rcn=6")).content["m2m:rrl"]["rrf"]
    assert {(each["nm"], each["typ"]) for each in references} == {("bat", 13), ("fwr", 13)}


async def test_attributes_can_be_asked_for_by_name(house: Client) -> None:
    assert (await house.get("/cse-in/node/bat?atrl=btl")).content == {"m2m:bat": {"btl": 80}}
    assert (await house.get("/cse-in/node/bat?atrl=vr")).rsc == 4000


async def test_changes_are_notified_below_the_root(house: Client, listener: Listener) -> None:
    subscription = {"m2m:sub": {"nu": [listener.url], "nct": 2}}
    assert (await house.create("/cse-in/app/lamp/switch", 23, subscription, "Capp")).rsc == 2001
    await listener.next()
    await house.update("/cse-in/app/lamp/switch", {"cod:binSh": {"state": True}}, "Capp")
    assert (await listener.next())["m2m:sgn"]["nev"]["rep"]["cod:binSh"]["state"] is True


async def test_a_reboot_is_told_to_who_cares_for_the_device(house: Client, listener: Listener) -> None:
    await house.create("/cse-in/node", 13, {"m2m:rbo": {"rn": "rbo", "mgd": 1009}})
    criteria = {"net": [1], "atr": ["rbo"]}
    await house.create("/cse-in/node/rbo", 23, {"m2m:sub": {"nu": [listener.url], "enc": criteria}})
    await listener.next()
    await house.update("/cse-in/node/rbo", {"m2m:rbo": {"rbo": False}})
    await house.update("/cse-in/node/rbo", {"m2m:rbo": {"dc": "gateway"}})
    await house.update("/cse-in/node/rbo", {"m2m:rbo": {"rbo": True}})
    assert (await listener.next())["m2m:sgn"]["nev"]["rep"]["m2m:rbo"]["dc"] == "gateway"


async def test_policies_decide_about_them_and_about_their_instances(house: Client) -> None:
    await house.register("other")
    for path in ("probe", "probe/la", "lamp/switch"):
        assert (await house.get(f"/cse-in/app/{path}", "Cother")).rsc == 4103
    readers = {"acr": [{"acor": ["Cother"], "acop": 2}]}
    owners = {"acr": [{"acor": ["Capp"], "acop": 63}]}
    await house.create("/cse-in/app", 1, {"m2m:acp": {"rn": "readers", "pv": readers, "pvs": owners}}, "Capp")
    await house.update("/cse-in/app/probe", {"cod:tempe": {"acpi": ["cse-in/app/readers"]}}, "Capp")
    for path in ("probe", "probe/la"):
        assert (await house.get(f"/cse-in/app/{path}", "Cother")).rsc == 2000
    assert (await house.update("/cse-in/app/probe", {"cod:tempe": {"curT0": 1}}, "Cother")).rsc == 4103


async def test_groups_of_them_are_read_and_written_at_once(house: Client) -> None:
    members = ["cse-in/app/probe", "cse-in/app/lamp/switch"]
    await house.create("/cse-in/app", 9, {"m2m:grp": {"rn": "all", "mt": 28, "mnm": 5, "mid": members}}, "Capp")
    items = (await house.get("/cse-in/app/all/fopt", "Capp")).content["m2m:agr"]["m2m:rsp"]
    assert {root for item in items for root in item["pc"]} == {"cod:tempe", "cod:binSh"}


async def test_what_fits_no_table_is_refused(cse: Running) -> None:
    await cse.client.register("app")
    for content, word in (
        ({"cod:tempp": {"cnd": "x"}}, "cod:tempe"),
        ({"cod:tempe": {"cnd": "x"}}, "cnd"),
        ({"cod:tempe": {}}, "cnd"),
        ([], "one object"),
    ):
        answer = await cse.refuses("POST", "/cse-in/app", 4000, originator="Capp", ty=28, content=content)
        assert word in answer.debug
    await cse.refuses("POST", "/cse-in/app", 4103, originator="Cother", ty=28, content=LAMP)


async def test_an_operator_adds_a_table_of_his_own(tmp_path: Path) -> None:
    (tmp_path / "press.toml").write_text(TABLE, encoding="utf-8")
    async with serving(specializations=str(tmp_path)) as cse:
        content = {"x:press": {"rn": "boiler", "cnd": "org.example.pressure", "pres": 1.5}}
        made = await cse.client.create("/cse-in", 28, content)
        assert made.content["x:press"]["zero"] is False
        await cse.refuses("PUT", "/cse-in/boiler", 4000, content={"x:press": {"pres": -1}})
        assert (await cse.client.update("/cse-in/boiler", {"x:press": {"pres": 2, "zero": True}})).resource["pres"] == 2


async def test_resources_stay_when_their_table_goes(tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "press.toml").write_text(TABLE, encoding="utf-8")
    durable = {"store": f"sqlite:///{tmp_path}/cse.sqlite", "data_folder": str(tmp_path)}
    async with serving(specializations=str(tables), **durable) as cse:
        await cse.client.create("/cse-in", 28, {"x:press": {"rn": "boiler", "cnd": "org.example.pressure", "pres": 1}})
    async with serving(**durable) as cse:
        assert (await cse.client.get("/cse-in/boiler")).content["x:press"]["pres"] == 1
        assert (await cse.client.delete("/cse-in/boiler")).rsc == 2002


async def test_a_server_does_not_start_with_a_table_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "press.toml").write_text(TABLE.replace("xs:float", "float"), encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=r"press\.toml: x:press, attribute pres: there is no data type 'float'"
    ):
        async with serving(specializations=str(tmp_path)):
            pass
