import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import click
import orjson
import pytest
from click.testing import CliRunner

from cse.config import Settings
from cse.testing.clock import ManualClock, settle
from cse.testing.device import Faults, SimulatedDevice
from cse.testing.meters import MeterOptions, meter_options
from plugins import http_unicast
from plugins.http_unicast.meters import RUBBISH, HttpMeters, run_meters
from tests.web_servers import RawServer, header, http


def content(interval: float) -> bytes:
    return orjson.dumps({"m2m:sgn": {"nev": {"rep": {"m2m:cin": {"con": f'{{"interval": {interval}}}'}}}}})


class Headend:
    """Sends device requests and returns (HTTP status, headers, body)."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def send(self, url: str, identifier: str = "r-1", moment: str = "1", interval: float = 900) -> Any:
        headers = {"X-M2M-RI": identifier, "X-M2M-OT": moment, "X-M2M-Origin": "Cheadend"}
        async with self._session.post(url, data=content(interval), headers=headers) as response:
            return response.status, response.headers, await response.read()


@pytest.fixture
async def headend() -> AsyncIterator[Headend]:
    async with aiohttp.ClientSession() as session:
        yield Headend(session)


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    """A CSE that accepts everything."""
    async with RawServer(lambda _: http(201, {"X-M2M-RSC": "2001"}), closes=False) as server:
        yield server


@asynccontextmanager
async def running(devices: Sequence[SimulatedDevice], **options: Any) -> AsyncIterator[HttpMeters]:
    meters = HttpMeters(devices, options.pop("cse_base", "http://127.0.0.1:1/cse-in"), **options)
    await meters.start()
    yield meters
    await meters.stop()


async def test_a_meter_carries_out_and_answers(headend: Headend) -> None:
    device = SimulatedDevice("Chttp0001")
    async with running([device]) as meters:
        status, headers, body = await headend.send(meters.url(device))
    assert (status, headers["X-M2M-RSC"], headers["X-M2M-RI"]) == (200, "2000", "r-1")
    assert headers["X-M2M-Origin"] == "Chttp0001"
    assert orjson.loads(body) == {"m2m:cin": {"con": '{"interval":900.0}'}}
    assert device.interval == 900


async def test_a_repeated_request_is_carried_out_once(headend: Headend) -> None:
    device = SimulatedDevice("Chttp0001")
    async with running([device]) as meters:
        assert (await headend.send(meters.url(device)))[2] == (await headend.send(meters.url(device)))[2]
    assert device.executions == 1


async def test_an_impossible_instruction_is_refused(headend: Headend) -> None:
    device = SimulatedDevice("Chttp0001")
    async with running([device]) as meters:
        status, headers, body = await headend.send(meters.url(device), interval=0)
    assert (status, headers["X-M2M-RSC"]) == (400, "4000")
    assert "interval" in orjson.loads(body)["m2m:dbg"]


async def test_an_unknown_meter_does_not_exist(headend: Headend) -> None:
    device = SimulatedDevice("Chttp0001")
    async with running([device]) as meters:
        status, headers, _ = await headend.send(meters.url(device) + "9")
    assert status == 404
    assert "X-M2M-RSC" not in headers


@pytest.mark.parametrize(
    ("faults", "executions"), [(Faults(deaf=True), 0), (Faults(request_loss=1.0), 0), (Faults(answer_loss=1.0), 1)]
)
async def test_a_lost_message_is_a_closed_connection(headend: Headend, faults: Faults, executions: int) -> None:
    device = SimulatedDevice("Chttp0001", faults=faults)
    async with running([device]) as meters:
        with pytest.raises(aiohttp.ClientConnectionError):
            await headend.send(meters.url(device))
    assert device.executions == executions


async def test_an_older_request_is_ignored(headend: Headend) -> None:
    device = SimulatedDevice("Chttp0001")
    async with running([device]) as meters:
        await headend.send(meters.url(device), "r-2", moment="2")
        with pytest.raises(aiohttp.ClientConnectionError):
            await headend.send(meters.url(device), "r-1", moment="1", interval=60)
    assert device.interval == 900


async def test_a_late_meter_acknowledges_and_notifies_later(headend: Headend, server: RawServer) -> None:
    device, clock = SimulatedDevice("Chttp0001"), ManualClock()
    async with running([device], late=["Chttp0001"], cse_base=server.url("/cse-in"), clock=clock) as meters:
        status, headers, body = await headend.send(meters.url(device))
        assert (status, headers["X-M2M-RSC"], body) == (202, "1002", b"")
        assert server.requests == []
        await clock.advance(1)
        await reach(server, 1)
    assert server.requests[0].startswith(b"POST /cse-in HTTP/1.1")
    assert header(server.requests[0], "X-M2M-Origin") == "Chttp0001"
    assert header(server.requests[0], "Content-Type") == "application/json"
    assert orjson.loads(server.requests[0].split(b"\r\n\r\n", 1)[1]) == {
        "m2m:rsp": {"rsc": 2000, "rqi": "r-1", "rvi": "3", "pc": {"m2m:cin": {"con": '{"interval":900.0}'}}}
    }


async def test_a_late_answer_to_a_cse_that_is_gone_is_dropped(headend: Headend, server: RawServer) -> None:
    device, clock = SimulatedDevice("Chttp0001", faults=Faults(answer_loss=0.0)), ManualClock()
    async with running([device], late=["Chttp0001"], clock=clock) as meters:
        for number in range(10):
            await headend.send(meters.url(device), f"r-{number}")
        await clock.advance(1)
        assert (await headend.send(meters.url(device)))[0] == 202


async def test_extra_copies_of_an_answer_come_as_notifications(headend: Headend, server: RawServer) -> None:
    device, clock = SimulatedDevice("Chttp0001", faults=Faults(duplicates=2)), ManualClock()
    async with running([device], cse_base=server.url("/cse-in"), clock=clock) as meters:
        assert (await headend.send(meters.url(device)))[0] == 200
        await clock.advance(1)
        await reach(server, 2)


async def test_a_lying_meter_states_another_name(headend: Headend) -> None:
    devices = [SimulatedDevice("Chttp0001", faults=Faults(lies=1.0)), SimulatedDevice("Chttp0002")]
    async with running(devices) as meters:
        _, headers, _ = await headend.send(meters.url(devices[0]))
    assert headers["X-M2M-Origin"] == "Chttp0002"


async def test_rubbish_cannot_be_decoded(headend: Headend) -> None:
    device = SimulatedDevice("Chttp0001", faults=Faults(rubbish=1.0))
    async with running([device]) as meters:
        _, _, body = await headend.send(meters.url(device))
    assert body == RUBBISH


async def test_the_command_registers_meters_where_they_listen(headend: Headend, server: RawServer) -> None:
    task = asyncio.create_task(run_meters(parse("--count", "5", "--cse", server.url("")), 0, late=0.4))
    await reach(server, 10)
    bodies = [orjson.loads(request.split(b"\r\n\r\n", 1)[1]) for request in server.requests]
    entities = sorted((body["m2m:ae"] for body in bodies if "m2m:ae" in body), key=lambda entity: entity["rn"])
    assert [entity["rn"] for entity in entities] == [f"http000{number}" for number in range(1, 6)]
    statuses = [(await headend.send(entity["poa"][0]))[0] for entity in entities]
    assert sorted(statuses) == [200, 200, 200, 202, 202]
    task.cancel()
    await asyncio.wait([task])


def test_the_plugin_registers_everything() -> None:
    commands = click.Group()
    http_unicast.register_commands(commands)
    (settings,) = http_unicast.register_settings()
    (network,) = http_unicast.register_networks(Settings({"http-unicast": {"cost": 7}}))
    assert (settings.section, network.name) == ("http-unicast", "http-unicast")
    result = CliRunner().invoke(commands, ["meters", "http", "--help"])
    assert "--late" in result.output
    assert "--deaf" in result.output


async def reach(server: RawServer, count: int) -> None:
    while len(server.requests) < count:
        await settle()


def parse(*arguments: str) -> MeterOptions:
    """What a command gets that was called with these arguments."""
    parsed: list[MeterOptions] = []
    click.command()(meter_options(parsed.append)).main(arguments, standalone_mode=False)
    return parsed[0]
