"""Whole campaigns over real sockets: the server as a program of its own, meters on UDP in this process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cse.testing.device import Faults, SimulatedDevice
from cse.testing.fleet import Fleet
from plugins.udp_multicast.meters import UdpMeters
from tests.programs import Program, program
from tests.servers import Client, eventually

INSTRUCTION = {"m2m:sgn": {"sur": "cse-in/city", "nev": {"rep": {"m2m:cin": {"con": '{"interval": 900}'}}}}}
LONG = 400.0  # seconds: for ten thousand meters


class WatchedMeters(UdpMeters):
    """Remembers who was sent something by unicast."""

    def __init__(self, devices: Sequence[SimulatedDevice], base: str) -> None:
        super().__init__(devices, port=0, base=base)
        self.unicasts: list[str] = []

    def _unicast(self, member: Any, *arguments: Any) -> None:
        self.unicasts.append(member.device.id)
        super()._unicast(member, *arguments)


@asynccontextmanager
async def metering(
    folder: Path, devices: Sequence[SimulatedDevice], base: str, *settings: str, arguments: Sequence[str] = ()
) -> AsyncIterator[tuple[Program, WatchedMeters]]:
    """A server, meters that are registered with it, and the group `city` of them with its session set up."""
    meters = WatchedMeters(devices, base)
    await meters.start()
    try:
        port = f"udp-multicast.group_port={meters.port}"
        async with program(folder, port, *settings, arguments=arguments) as server:
            await Fleet(server.client.url, devices, meters.points_of_access, parallel=32).register()
            members = [f"cse-in/{device.id[1:]}" for device in devices]
            group = {"rn": "city", "mnm": len(members), "mid": members}
            assert (await server.client.create("/cse-in?rcn=0", 9, {"m2m:grp": group})).rsc == 2001
            await eventually(
                lambda: joined(server.client), lambda count: count == len(devices), LONG, len(devices) / 5000
            )
            yield server, meters
    finally:
        await meters.stop()


async def joined(client: Client) -> int:
    """How many members would get a multicast."""
    plan = (await client.request("POST", "/.cse/plan", content={"group": "cse-in/city"})).content
    return sum(broadcast["members"] for broadcast in plan["transmissions"])


async def start(client: Client, seconds: float) -> str:
    """Post the device request; the identifier of its <request>."""
    answer = await client.request(
        "POST", "/cse-in/city/fopt?rt=1", content=INSTRUCTION, X_M2M_RET=f"{seconds * 1000:.0f}"
    )
    assert answer.rsc == 1001
    return str(answer.content["m2m:uri"])


async def report(client: Client, request: str) -> dict[str, Any]:
    """The operator's report, {} while the campaign has not begun."""
    answer = await client.get(f"/.cse/campaigns/{request}")
    return dict(answer.content) if answer.status == 200 else {}


async def finished(client: Client, request: str) -> dict[str, Any]:
    return await eventually(
        lambda: report(client, request), lambda document: document.get("state") == "finished", LONG, 0.1
    )


async def test_killed_in_mid_campaign(tmp_path: Path) -> None:
    devices = [SimulatedDevice(f"Ckill{number}") for number in range(40)]
    async with metering(tmp_path, devices, "127.20.0.1") as (server, meters):
        for device in devices[:10]:
            device.faults = Faults(deaf=True)
        request = await start(server.client, 60)
        await eventually(
            lambda: report(server.client, request), lambda document: document.get("states", {}).get("answered") == 30
        )
        await server.kill()
        meters.unicasts.clear()
        for device in devices[:10]:
            device.faults = Faults()
        await server.start()
        document = await finished(server.client, request)
        assert document["states"] == {"waiting": 0, "answered": 40, "failed": 0, "unreachable": 0}
        assert {device.executions for device in devices} == {1}
        assert set(meters.unicasts) <= {device.id for device in devices[:10]}
        result = (await server.client.get(f"/{request}")).resource
        assert result["rs"] == 1
        assert len(result["ors"]["pc"]["m2m:agr"]["m2m:rsp"]) == 40


async def test_a_thousand_answers_in_less_than_a_second(tmp_path: Path) -> None:
    devices = [SimulatedDevice(f"Cstorm{number}") for number in range(1000)]
    settings = ("udp-multicast.min_window=0.5", "udp-multicast.answers_per_second=100000")
    async with metering(tmp_path, devices, "127.21.0.1", *settings) as (server, meters):
        meters.unicasts.clear()
        document = await finished(server.client, await start(server.client, 60))
        assert document["states"]["answered"] == 1000
        assert document["discarded"] == {}
        assert document["networks"]["udp-multicast"]["transmissions"] == 1
        assert meters.unicasts == []


async def test_liars_repeaters_and_rubbish_change_nothing(tmp_path: Path) -> None:
    devices = [SimulatedDevice(f"Cliar{number}", seed=3) for number in range(30)]
    async with metering(tmp_path, devices, "127.22.0.1") as (server, _):
        for device in devices[:5]:
            device.faults = Faults(lies=1.0)
        for device in devices[5:10]:
            device.faults = Faults(rubbish=1.0)
        for device in devices[10:15]:
            device.faults = Faults(duplicates=2)
        document = await finished(server.client, await start(server.client, 5))
        assert document["states"] == {"waiting": 0, "answered": 20, "failed": 10, "unreachable": 0}
        assert document["reasons"] == {"SILENT": 10}
        assert document["discarded"]["duplicate"] == 10
        assert document["discarded"]["wrong_address"] >= 5
        assert {device.executions for device in devices} == {1}


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_ten_thousand_meters_with_ten_percent_loss_each_way(tmp_path: Path) -> None:
    faults = Faults(request_loss=0.1, answer_loss=0.1)
    devices = [SimulatedDevice(f"Cten{number}", faults=faults, seed=5) for number in range(10_000)]
    async with metering(tmp_path, devices, "127.30.0.1") as (server, _):
        document = await finished(server.client, await start(server.client, 300))
        assert document["states"]["answered"] == 10_000
        assert {device.executions for device in devices} == {1}
        assert document["networks"]["udp-multicast"]["transmissions"] < 5_000
