"""The reporting of many meters is set by one UPDATE of what is managed of them, over real sockets."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from cse.testing.device import Faults, SimulatedDevice
from cse.testing.fleet import Fleet
from plugins.udp_multicast.meters import UdpMeters
from tests.servers import Client, eventually, serving

COUNT = 20


async def describe(client: Client, devices: Sequence[SimulatedDevice]) -> list[str]:
    """A node with a dataCollection for each meter, and the meter's AE on it; the addresses of the nodes."""
    nodes = []
    for device in devices:
        name = device.id[1:]
        nodes.append(f"cse-in/node-{name}")
        assert (await client.create("/cse-in", 14, {"m2m:nod": {"rn": f"node-{name}", "ni": name}})).rsc == 2001
        collection = {"rn": "reporting", "mgd": 1021, "cntp": f"cse-in/{name}/readings", "meil": 3600}
        assert (await client.create(f"/{nodes[-1]}", 13, {"dcfg:datc": collection})).rsc == 2001
        assert (await client.update(f"/cse-in/{name}", {"m2m:ae": {"nl": nodes[-1]}})).rsc == 2004
    return nodes


async def test_a_new_interval_for_all_meters(tmp_path: Path) -> None:
    devices = [SimulatedDevice(f"Cmanaged{number}") for number in range(COUNT)]
    devices[0].faults = Faults(deaf=True)
    meters = UdpMeters(devices, port=0, base="127.31.0.1")
    await meters.start()
    try:
        async with serving(data_folder=str(tmp_path), settings={"udp-multicast": {"group_port": meters.port}}) as cse:
            client = cse.client
            await Fleet(client.url, devices, meters.points_of_access).register()
            nodes = await describe(client, devices)
            group = {"rn": "meters", "mnm": COUNT, "mid": nodes}
            assert (await client.create("/cse-in", 9, {"m2m:grp": group})).rsc == 2001
            await eventually(
                lambda: asyncio.sleep(0), lambda _: sum(map(meters.listens, devices)) == COUNT - 1, pause=0.05
            )
            wanted = {"dcfg:datc": {"rpsc": [{"sce": ["0 */15 * * * * *"]}], "meil": 900}}
            answer = await client.request("PUT", "/cse-in/meters/fopt/reporting?rt=1", content=wanted, X_M2M_RET="4000")
            path = f"/{answer.content['m2m:uri']}"
            result = (await eventually(lambda: client.get(path), lambda one: one.resource["rs"] == 1)).resource
            items = result["ors"]["pc"]["m2m:agr"]["m2m:rsp"]
            assert {item["fr"]: item["rsc"] for item in items} == dict.fromkeys(nodes[1:], 2004)
            assert [device.interval for device in devices] == [3600] + [900] * (COUNT - 1)
            told = [(await client.get(f"/{node}/reporting")).resource["meil"] for node in nodes]
            assert told == [3600] + [900] * (COUNT - 1)
            report = (await client.get(f"/.cse/campaigns{path}")).content
            assert report["states"] == {"waiting": 0, "answered": COUNT - 1, "failed": 1, "unreachable": 0}
            assert report["networks"]["udp-multicast"]["transmissions"] < COUNT
    finally:
        await meters.stop()
