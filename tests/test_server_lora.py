"""One request to meters of every LoRaWAN class, over real sockets: the network server's, and HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cse.testing.device import SimulatedDevice
from cse.testing.fleet import Fleet
from cse.testing.meters import build_devices
from cse.timing import SystemClock
from plugins.lora_broadcast.network_server import Membership
from plugins.lora_broadcast.radio.door import Door
from plugins.lora_broadcast.radio.simulation import Scenario, Simulation, dev_eui
from plugins.lora_broadcast.regions import REGIONS
from tests.servers import Running, eventually, serving

COUNT = 24
# Radio seconds in a second.
SPEED = 2000.0
ASLEEP, SLOTTED = range(1, 9), range(9, 17)


@dataclass
class Field:
    """A server, and a network of simulated meters that are members of its group `city`."""

    cse: Running
    simulation: Simulation
    meters: dict[str, SimulatedDevice]

    def joined(self) -> int:
        """How many have a session of the group."""
        groups = self.simulation.server._sessions.groups.values()
        members = [member for group in groups for member in group.members.values()]
        return sum(member.membership is Membership.JOINED for member in members)

    async def campaign(self, content: Any, milliseconds: int) -> tuple[dict[str, int], dict[str, Any]]:
        """Response status codes by AE, and the operator's report, of a request to the group."""
        client = self.cse.client
        answer = await client.request("POST", "/cse-in/city/fopt?rt=1", content=content, X_M2M_RET=f"{milliseconds}")
        path = f"/{answer.content['m2m:uri']}"
        result = (await eventually(lambda: client.get(path), lambda one: one.resource["rs"] == 1)).resource
        items = result["ors"]["pc"]["m2m:agr"]["m2m:rsp"]
        report = (await client.get(f"/.cse/campaigns{path}")).content
        return {item["fr"]: item["rsc"] for item in items}, report


@asynccontextmanager
async def field(region: str, folder: Path, **settings: Any) -> AsyncIterator[Field]:
    devices = build_devices("Cmeter", COUNT, interval=600)
    meters = {dev_eui(number): device for number, device in enumerate(devices, 1)}
    asleep, slotted = frozenset(map(dev_eui, ASLEEP)), frozenset(map(dev_eui, SLOTTED))
    scenario = Scenario(1, 500.0, shadowing=0.0, region=region, class_a=asleep, class_b=slotted)
    simulation = Simulation(scenario, meters)
    door = Door(simulation, SPEED, SystemClock())
    async with door.open("127.0.0.1", 0) as port:
        values = {"network_server": f"127.0.0.1:{port}", "speed": SPEED, **settings}
        async with serving(data_folder=str(folder), settings={"lora-broadcast": values}) as cse:
            poa = {meter.id: [f"lora://{eui}"] for eui, meter in meters.items()}
            await Fleet(cse.client.url, devices, lambda device: poa[device.id]).register()
            time = asyncio.create_task(door.let_time_pass())
            mid = [f"cse-in/{device.id[1:]}" for device in devices]
            assert (
                await cse.client.create("/cse-in", 9, {"m2m:grp": {"rn": "city", "mnm": 50, "mid": mid}})
            ).rsc == 2001
            try:
                yield Field(cse, simulation, meters)
            finally:
                time.cancel()
                await asyncio.gather(time, return_exceptions=True)


def instruction(text: str) -> dict[str, Any]:
    return {"m2m:sgn": {"sur": text, "nev": {"rep": {"m2m:cin": {"con": '{"interval": 900}'}}}}}


@pytest.mark.parametrize("region", REGIONS)
async def test_a_request_reaches_meters_of_every_class(tmp_path: Path, region: str) -> None:
    async with field(region, tmp_path) as made:
        await eventually(lambda: asyncio.sleep(0, made.joined()), lambda joined: joined == 16, pause=0.05)
        answers, report = await made.campaign(instruction("cse-in/city"), 60_000)
        assert answers == {f"cse-in/{meter.id[1:]}": 2000 for meter in made.meters.values()}
        assert {(meter.interval, meter.executions) for meter in made.meters.values()} == {(900, 1)}
        assert report["states"] == {"waiting": 0, "answered": COUNT, "failed": 0, "unreachable": 0}
        by_class = [device.device_class for device in made.simulation.medium.devices.values()]
        assert [by_class.count(name) for name in "ABC"] == [8, 8, 8]
        assert made.simulation.medium.airtime["multicast"] > 0


async def test_a_request_that_fits_no_frame_is_broadcast_in_fragments(tmp_path: Path) -> None:
    """Those of class A, which get one frame after each uplink, cannot be reached with it."""
    async with field("EU868", tmp_path) as made:
        await eventually(lambda: asyncio.sleep(0, made.joined()), lambda joined: joined == 16, pause=0.05)
        answers, report = await made.campaign(instruction("x" * 400), 60_000)
        expected = {number: 5103 if number in ASLEEP else 2000 for number in range(1, COUNT + 1)}
        assert answers == {f"cse-in/meter{number:04d}": code for number, code in expected.items()}
        assert report["states"] == {"waiting": 0, "answered": 16, "failed": 0, "unreachable": 8}
        assert {meter.executions for meter in made.meters.values()} == {0, 1}
