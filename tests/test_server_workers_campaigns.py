"""A campaign by several processes behind one port goes on, whichever of them ends, and when the database restarts."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cse.testing.device import Faults, SimulatedDevice
from tests import postgresql
from tests.crews import LONG, Choose, another, conductor, crew, persistently
from tests.programs import Program
from tests.servers import Client, Listener, eventually
from tests.test_campaigns import metering, start

METERS = 200
LOSS = Faults(request_loss=0.1, answer_loss=0.1)
WITHIN = 60.0  # seconds for a campaign


@pytest.fixture
def devices() -> list[SimulatedDevice]:
    return [SimulatedDevice(f"Cw{number}", seed=11) for number in range(METERS)]


@asynccontextmanager
async def metered(folder: Path, devices: list[SimulatedDevice], database: str) -> AsyncIterator[Program]:
    """Three processes, and meters that lose messages from now on."""
    arguments = ("--workers", "3", "--store", database)
    async with metering(folder, devices, "127.40.0.1", "udp-multicast.ack_timeout=0.5", arguments=arguments) as (
        server,
        _,
    ):
        try:
            await crew(server.client)
            for device in devices:
                device.faults = LOSS
            yield server
        finally:
            await server.kill(signal.SIGTERM)


async def under_way(client: Client, request: str) -> None:
    """Wait until some have answered; the others have not."""

    async def count() -> int:
        answer = await client.get(f"/.cse/campaigns/{request}")
        return int(answer.content["states"]["answered"]) if answer.status == 200 else 0

    assert await eventually(count, bool, LONG) < METERS, "it was over too soon to be disturbed"


async def complete(client: Client, request: str, devices: list[SimulatedDevice]) -> None:
    """Wait for the end: every meter has answered, and has done once what it was told."""
    done = await eventually(
        lambda: persistently(lambda: client.get(f"/.cse/campaigns/{request}")),
        lambda answer: answer.content["state"] == "finished",
        WITHIN,
        0.1,
    )
    assert done.content["states"] == {"waiting": 0, "answered": METERS, "failed": 0, "unreachable": 0}
    assert {device.executions for device in devices} == {1}
    shown = await client.get(f"/{request}")
    assert (shown.resource["rs"], len(shown.resource["ors"]["pc"]["m2m:agr"]["m2m:rsp"])) == (1, METERS)


@pytest.mark.parametrize("choose", [conductor, another], ids=["conductor", "another"])
async def test_one_is_killed_in_the_middle(
    tmp_path: Path, devices: list[SimulatedDevice], choose: Choose, listener: Listener
) -> None:
    database = postgresql.new_database()
    async with metered(tmp_path, devices, database) as server:
        client, killed = server.client, await choose(server.client)
        request = await start(client, WITHIN)
        news = {"m2m:sub": {"nu": [listener.url], "enc": {"net": [1]}}}
        assert (await client.create(f"/{request}", 23, news)).rsc == 2001
        await under_way(client, request)
        os.kill(killed, signal.SIGKILL)
        await complete(client, request, devices)
        await eventually(lambda: asyncio.sleep(0, listener), _has_heard_of_the_end, LONG)
        assert killed not in await crew(client)
    postgresql.drop_database(database)


def _has_heard_of_the_end(listener: Listener) -> bool:
    events = [item.content["m2m:sgn"].get("nev") for item in listener.received]
    return any(event and event["rep"]["m2m:req"].get("rs") == 1 for event in events)


@pytest.mark.long
async def test_the_database_restarts_in_the_middle(tmp_path: Path, devices: list[SimulatedDevice]) -> None:
    own = postgresql.Server(durable=True)
    try:
        async with metered(tmp_path, devices, own.url) as server:
            request = await start(server.client, WITHIN)
            await under_way(server.client, request)
            own.stop(signal.SIGQUIT)
            own.start()
            await complete(server.client, request, devices)
    finally:
        own.close()
