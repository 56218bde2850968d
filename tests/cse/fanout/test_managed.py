"""Management objects of many devices, changed through a group: the devices first, then the tree."""

from pathlib import Path
from typing import Any

import pytest

from cse.fanout.states import State
from cse.primitive import Operation, Response, ResponseType
from cse.testing.clock import ManualClock
from tests.cse.fanout.scenario import Scenario, eventually, items, scenario

COLLECTION = {"mgd": 1021, "cntp": "cse-in", "meil": 3600}
WANTED = {"dcfg:datc": {"meil": 900}}
FAN_OUT = "cse-in/nodes/fopt/collection"


async def device(city: Scenario, name: str, *points_of_access: str, **attributes: Any) -> str:
    """A node with what is managed of it, and the AE on it; the address of the node."""
    node = f"cse-in/node-{name}"
    await city.create("cse-in", 14, "nod", rn=f"node-{name}", ni=name)
    await city.ask(
        Operation.CREATE, node, resource_type=13, content={"dcfg:datc": COLLECTION | {"rn": "collection"} | attributes}
    )
    await city.meter(name, *points_of_access, nl=node)
    return node


async def devices(city: Scenario, count: int, scheme: str = "wire") -> list[str]:
    nodes = [await device(city, f"m{index}", f"{scheme}://m{index}") for index in range(count)]
    await city.group(nodes, "nodes")
    return nodes


async def update(city: Scenario, content: Any = WANTED, originator: str = "CAdmin", **parameters: Any) -> Response:
    return await city.ask(Operation.UPDATE, FAN_OUT, originator, content=content, **parameters)


async def intervals(city: Scenario, nodes: list[str]) -> list[int]:
    found = [await city.ask(Operation.RETRIEVE, f"{node}/collection") for node in nodes]
    return [one.content["dcfg:datc"]["meil"] for one in found]


async def test_devices_carry_it_out_and_the_tree_follows() -> None:
    async with scenario() as city:
        nodes = await devices(city, 2)
        response = await update(city)
        assert items(response.content) == dict.fromkeys(nodes, 2004)
        assert [item["pc"]["dcfg:datc"]["meil"] for item in response.content["m2m:agr"]["m2m:rsp"]] == [900, 900]
        assert await intervals(city, nodes) == [900, 900]
        for delivery in city.wire.deliveries:
            assert delivery.request.operation is Operation.NOTIFY
            assert delivery.request.content == {
                "m2m:sgn": {
                    "sur": FAN_OUT,
                    "nev": {"rep": WANTED, "om": {"op": 3, "or": "CAdmin"}},
                }
            }
        assert [delivery.hosts[0].id for delivery in city.wire.deliveries] == ["Cm0", "Cm1"]


async def test_one_broadcast_serves_them_all() -> None:
    async with scenario() as city:
        nodes = await devices(city, 5, "air")
        assert items((await update(city)).content) == dict.fromkeys(nodes, 2004)
        assert len(city.air.deliveries) == 1
        assert await intervals(city, nodes) == [900] * 5


async def test_the_tree_stays_as_it_is_where_the_device_refuses_or_is_silent() -> None:
    async with scenario() as city:
        nodes = await devices(city, 3)
        city.wire.answers = False
        response = await update(
            city, response_type=ResponseType.NON_BLOCKING_SYNCH, request_expiration=city.in_seconds(20)
        )
        request = response.content["m2m:uri"]
        await city.advance_until(lambda: len(city.wire.deliveries) == 3)
        identifier = city.wire.deliveries[0].request.request_identifier
        city.wire.answer(identifier, "Cm0")
        city.wire.answer(identifier, "Cm1", 4000)
        result = await city.finished(request)
        assert items(result["ors"]["pc"]) == {nodes[0]: 2004, nodes[1]: 4000}
        assert await intervals(city, nodes) == [900, 3600, 3600]
        report = await city.report(request)
        assert report["states"] == {"waiting": 0, "answered": 2, "failed": 1, "unreachable": 0}
        assert (report["networks"]["wire"]["members"], report["networks"]["wire"]["answered"]) == (3, 2)


@pytest.mark.parametrize(
    ("content", "code"),
    [({"dcfg:datc": {"meil": "often"}}, 4000), ({"dcfg:datc": {"nonsense": 1}}, 4000), ({"m2m:bat": {"btl": 5}}, 4000)],
)
async def test_what_the_tree_would_refuse_never_gets_to_a_device(content: Any, code: int) -> None:
    async with scenario() as city:
        nodes = await devices(city, 2)
        assert items((await update(city, content)).content) == dict.fromkeys(nodes, code)
        assert city.wire.deliveries == []


async def test_who_may_not_update_an_object_manages_no_device() -> None:
    async with scenario() as city:
        everybody = {"acr": [{"acor": ["all"], "acop": 63}]}
        await city.create("cse-in", 1, "acp", rn="open", pv=everybody, pvs=everybody)
        nodes = await devices(city, 2)
        assert (
            await city.ask(Operation.UPDATE, "cse-in/nodes", content={"m2m:grp": {"macp": ["cse-in/open"]}})
        ).succeeded
        one = {"dcfg:datc": {"acpi": ["cse-in/open"]}}
        assert (await city.ask(Operation.UPDATE, f"{nodes[0]}/collection", content=one)).succeeded
        response = await update(city, originator="Cstranger")
        assert items(response.content) == {nodes[0]: 2004, nodes[1]: 4103}
        assert [delivery.hosts[0].id for delivery in city.wire.deliveries] == ["Cm0"]


async def test_without_a_device_that_has_an_address_the_tree_changes_by_itself() -> None:
    async with scenario() as city:
        nodes = [await device(city, "m0"), await device(city, "m1", "wire://m1")]
        await city.group(nodes, "nodes")
        assert items((await update(city)).content) == dict.fromkeys(nodes, 2004)
        assert [delivery.hosts[0].id for delivery in city.wire.deliveries] == ["Cm1"]
        assert await intervals(city, nodes) == [900, 900]


async def test_the_device_itself_is_not_asked_about_its_own_update() -> None:
    async with scenario() as city:
        everybody = {"acr": [{"acor": ["all"], "acop": 63}]}
        await city.create("cse-in", 1, "acp", rn="open", pv=everybody, pvs=everybody)
        node = await device(city, "m0", "wire://m0", acpi=["cse-in/open"])
        await city.group([node], "nodes", macp=["cse-in/open"])
        assert items((await update(city, originator="Cm0")).content) == {node: 2004}
        assert city.wire.deliveries == []


async def test_what_is_not_managed_goes_to_the_tree_alone() -> None:
    async with scenario() as city:
        nodes = await devices(city, 1)
        labels = {"m2m:nod": {"lbl": ["new"]}}
        response = await city.ask(Operation.UPDATE, "cse-in/nodes/fopt", content=labels)
        assert items(response.content) == {nodes[0]: 2004}
        assert city.wire.deliveries == []


async def test_two_objects_of_one_device_are_one_request_to_it() -> None:
    async with scenario() as city:
        node = await device(city, "m0", "wire://m0")
        second = COLLECTION | {"rn": "second"}
        await city.ask(Operation.CREATE, node, resource_type=13, content={"dcfg:datc": second})
        members = [f"{node}/collection", f"{node}/second"]
        await city.group(members, "objects")
        response = await city.ask(Operation.UPDATE, "cse-in/objects/fopt", content=WANTED)
        assert items(response.content) == dict.fromkeys(members, 2004)
        assert len(city.wire.deliveries) == 1


async def test_an_object_that_has_gone_meanwhile_is_missing() -> None:
    async with scenario() as city:
        nodes = await devices(city, 1)
        city.wire.answers = False
        request = (await update(city, response_type=ResponseType.NON_BLOCKING_SYNCH)).content["m2m:uri"]
        await city.advance_until(lambda: city.wire.deliveries)
        assert (await city.ask(Operation.DELETE, f"{nodes[0]}/collection")).succeeded
        city.wire.answer(city.wire.deliveries[0].request.request_identifier, "Cm0")
        assert items((await city.finished(request))["ors"]["pc"]) == {nodes[0]: 4004}


async def test_a_restart_asks_the_silent_devices_only(tmp_path: Path) -> None:
    clock = ManualClock()
    store = f"sqlite:///{tmp_path}/cse.sqlite"
    async with scenario(store, clock, data_folder=str(tmp_path)) as city:
        nodes = await devices(city, 2)
        city.wire.hears = lambda host, attempt: host == "Cm0"
        request = (await update(city, response_type=ResponseType.NON_BLOCKING_SYNCH)).content["m2m:uri"]
        await eventually(lambda: len(city.wire.deliveries) == 2)

        async def one_is_done() -> bool:
            return (await city.rows(request))[nodes[0]].state == State.ANSWERED

        await city.advance_until(one_is_done, step=0.1)
        assert await intervals(city, nodes) == [900, 3600]
    async with scenario(store, clock, data_folder=str(tmp_path)) as city:
        result = await city.finished(request)
        assert items(result["ors"]["pc"]) == dict.fromkeys(nodes, 2004)
        assert [delivery.hosts[0].id for delivery in city.wire.deliveries] == ["Cm1"]
        assert await intervals(city, nodes) == [900, 900]


async def test_a_device_that_was_given_up_changes_nothing_any_more() -> None:
    async with scenario() as city:
        nodes = await devices(city, 1)
        city.wire.answers = False
        request = (await update(city, response_type=ResponseType.NON_BLOCKING_SYNCH)).content["m2m:uri"]
        await city.advance_until(lambda: city.wire.deliveries)
        await city.server.fan_out.cancel((await city.report(request))["campaign"])
        city.wire.answer(city.wire.deliveries[0].request.request_identifier, "Cm0")
        await city.finished(request)
        assert (await city.report(request))["reasons"] == {"CANCELLED": 1}
        assert await intervals(city, nodes) == [3600]
