import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import click
import orjson
import pytest
from aiohttp import web
from click.testing import CliRunner

from plugins.lora_broadcast import register_commands
from plugins.lora_broadcast.network_server import DeviceFacts, Ready
from plugins.lora_broadcast.wire import decode

PROGRAM = """
import click
from plugins.lora_broadcast import register_commands
commands = click.Group()
register_commands(commands)
commands()
"""


@pytest.fixture
async def registrations() -> AsyncIterator[tuple[int, list[dict[str, Any]]]]:
    """A CSE that takes everything: its port and the attributes of what has been created."""
    created: list[dict[str, Any]] = []

    async def create(request: web.Request) -> web.Response:
        (attributes,) = orjson.loads(await request.read()).values()
        created.append(attributes)
        return web.Response(status=201, headers={"X-M2M-RSC": "2001"})

    application = web.Application()
    application.router.add_route("POST", "/{path:.*}", create)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1], created
    await runner.cleanup()


async def start(*arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, "meters", "lora", *arguments, stdout=pipe, stderr=pipe
    )


async def test_meters_are_registered_and_the_network_server_serves(
    registrations: tuple[int, list[dict[str, Any]]],
) -> None:
    port, created = registrations
    options = ["--count", "5", "--first", "11", "--cse", f"http://127.0.0.1:{port}", "--listen", "127.0.0.1:0"]
    process = await start(*options, "--radio-speed", "240", "--class-a", "1", "--seed", "1", "--acp", "acp1")
    assert process.stdout
    async with asyncio.timeout(30):
        line = (await process.stdout.readline()).decode()
        assert line.startswith("5 meters are registered at ")
        reader, writer = await asyncio.open_connection("127.0.0.1", int(line.rsplit(":", 1)[1]))
        facts = []
        while not isinstance(event := decode(await reader.readline()), Ready):
            facts.append(event)
        writer.close()
        process.send_signal(signal.SIGINT)
        rest, _ = await process.communicate()
    devices = [event for event in facts if isinstance(event, DeviceFacts)]
    assert [event.tag for event in devices] == [f"Clora{number:04d}" for number in range(11, 16)]
    assert [event.device_class for event in devices] == ["C"] * 4 + ["A"]
    entities = {tuple(attributes["poa"]): attributes for attributes in created if "poa" in attributes}
    assert entities.keys() == {(f"lora://{event.device}",) for event in devices}
    assert all(attributes["acpi"] == ["acp1"] for attributes in entities.values())
    assert b"uplinks" in rest


async def test_a_port_that_is_taken_is_named(registrations: tuple[int, list[dict[str, Any]]]) -> None:
    port, _ = registrations
    process = await start("--count", "1", "--listen", f"127.0.0.1:{port}")
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}".encode() in errors


@pytest.mark.parametrize("listen", ["localhost:1", "127.0.0.1", "127.0.0.1:x"])
def test_an_address_that_cannot_be_used_is_refused(listen: str) -> None:
    commands = click.Group()
    register_commands(commands)
    result = CliRunner().invoke(commands, ["meters", "lora", "--listen", listen])
    assert result.exit_code == 2
    assert "no IP address and port" in result.output
