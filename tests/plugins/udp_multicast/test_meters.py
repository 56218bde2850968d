"""The simulated meters on their socket."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import click
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner

from cse.coap.target import Endpoint
from cse.config import Settings
from cse.protection import Protection
from cse.protection.commands import keys
from cse.testing.clock import ManualClock, settle
from cse.testing.device import SimulatedDevice
from cse.testing.engine import RecordingEngine
from cse.testing.meters import MeterOptions, build_devices, meter_options
from plugins.udp_multicast import register_commands, register_networks, register_settings
from plugins.udp_multicast.commands import read_secrets, run_meters
from plugins.udp_multicast.meters import UdpMeters
from plugins.udp_multicast.outbox import TICK, Outbox
from plugins.udp_multicast.settings import UdpMulticastSettings
from tests.plugins.udp_multicast.kit import bench

DESTINATION = Endpoint("127.0.0.1", 1)


async def test_a_meter_listens_to_more_groups_than_a_socket_can_join() -> None:
    async with bench(build_devices("Cm", 2)) as table:
        groups = [f"group-{number}" for number in range(45)]
        for group in groups:
            await table.network.prepare(group, table.hosts())
        await table.network.set_ups.settled()
        for number, group in enumerate(groups):
            request = table.request(f"r-{number}")
            hosts = table.hosts()
            (ways, _) = await table.network.offers(hosts, request, group)
            delivery = table.delivery(request, ways[1], hosts)  # type: ignore[arg-type]
            delivery.group = group
            await table.network.deliver(delivery)
            await table.engine.answered(2 * number + 2)
        assert table.executions == [45, 45]
        for group in groups:
            await table.network.prepare(group, [])
        await table.network.set_ups.settled()
        assert not any(table.meters.listens(device) for device in table.devices)


async def test_every_meter_has_its_own_address() -> None:
    devices = build_devices("Cm", 300)
    meters = UdpMeters(devices, port=0, base="127.8.0.250")
    await meters.start()
    try:
        addresses = [meters.points_of_access(device) for device in devices]
        assert addresses[0] == [f"coap://127.8.0.250:{meters.port}"]
        assert addresses[6] == [f"coap://127.8.1.0:{meters.port}"]
        assert len({address for (address,) in addresses}) == 300
    finally:
        await meters.stop()


async def test_rubbish_and_strangers_do_not_disturb_meters() -> None:
    async with bench(build_devices("Cm", 1)) as table:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            (address,) = table.meters.points_of_access(table.devices[0])
            destination = (address.removeprefix("coap://").split(":")[0], table.meters.port)
            for datagram in (b"", b"rubbish", b"\x60\x00\x00\x01", b"\x50\x45\x00\x01", b"\x50\x02\x00\x01"):
                stranger.sendto(datagram, destination)
            stranger.sendto(b"\x50\x02\x00\x01", ("127.9.9.9", table.meters.port))
        await table.unicast(table.request(), table.devices[0])
        assert len(table.engine.answers) == 1


async def test_a_taken_port() -> None:
    async with bench([SimulatedDevice("Cm")]) as table:
        with pytest.raises(OSError, match="in use"):
            await UdpMeters([SimulatedDevice("Cn")], port=table.meters.port).start()


async def test_the_outbox_sends_in_order_of_time() -> None:
    clock, sent = ManualClock(), []
    outbox = Outbox(clock, lambda datagram, sender, destination: sent.append((datagram, sender, destination)))
    task = asyncio.create_task(outbox.run())
    now = clock.now()
    outbox.put(now + 5, b"late", "127.7.0.1", DESTINATION)
    await clock.advance(1)
    outbox.put(now + 3, b"soon", "127.7.0.2", DESTINATION)
    outbox.put(now, b"at once", "127.7.0.3", DESTINATION)
    await settle()
    assert [datagram for datagram, *_ in sent] == [b"at once"]
    await clock.advance(2.5)
    assert sent[1:] == [(b"soon", "127.7.0.2", DESTINATION)]
    await clock.advance(2)
    assert [datagram for datagram, *_ in sent] == [b"at once", b"soon", b"late"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_answers_are_spread_over_the_window_of_the_group() -> None:
    clock = ManualClock()
    async with bench(build_devices("Cm", 40), engine=RecordingEngine(clock), min_window=8.0) as table:
        await table.join()
        await table.multicast(table.request())
        await settle()
        await clock.advance(4.0)
        await settle()
        assert 10 < len(table.engine.answers) < 30
        await clock.advance(4.0 + TICK)
        await table.engine.answered(40)


def commands() -> click.Group:
    group = click.Group()
    register_commands(group)
    return group


def test_the_command_is_listed_and_explains_itself() -> None:
    result = CliRunner().invoke(commands(), ["meters", "udp", "--help"])
    assert result.exit_code == 0
    options = ("--count", "--loss", "--deaf", "--seed", "--port", "--base", "--interface", "--lies", "--wrong-address")
    for option in options:
        assert option in result.output


@pytest.mark.parametrize("option", ["--base", "--interface"])
def test_the_command_refuses_a_wrong_address(option: str) -> None:
    result = CliRunner().invoke(commands(), ["meters", "udp", option, "meters.example"])
    assert result.exit_code == 2
    assert option in result.output


def test_the_command_refuses_a_wrong_public_key() -> None:
    result = CliRunner().invoke(commands(), ["meters", "udp", "--public-key", "abc"])
    assert result.exit_code == 2
    assert "64 hexadecimal digits" in result.output


def test_secrets_are_read_as_the_command_prints_them(tmp_path: Path) -> None:
    file, secrets = tmp_path / "keys.toml", tmp_path / "secrets.toml"
    assert CliRunner().invoke(keys, ["new", str(file)]).exit_code == 0
    secrets.write_text(CliRunner().invoke(keys, ["member", str(file), "Cudp0001", "Cudp0002"]).stdout)
    secrets.chmod(0o600)
    protection = Protection.load("/id-in", str(file), {})
    assert read_secrets(secrets) == {name: protection.secret_of(name) for name in ("Cudp0001", "Cudp0002")}


@pytest.mark.parametrize(
    ("text", "rights", "sentence"),
    [("Cm = 'ab'", 0o600, "64 hexadecimal"), ("Cm", 0o600, "Expected"), ("", 0o644, "everybody may read")],
)
def test_secrets_that_cannot_be_used(tmp_path: Path, text: str, rights: int, sentence: str) -> None:
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(text)
    secrets.chmod(rights)
    with pytest.raises(click.BadParameter, match=sentence):
        read_secrets(secrets)


def test_the_command_says_that_its_port_is_taken() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        result = CliRunner().invoke(commands(), ["meters", "udp", "--port", str(other.getsockname()[1])])
    assert result.exit_code == 1
    assert "cannot listen on UDP port" in result.output


def test_the_plugin_registers_its_settings_and_its_network() -> None:
    assert list(register_settings()) == [UdpMulticastSettings]
    (network,) = register_networks(Settings({"udp-multicast": {"max_datagram": "127"}}))
    assert network.name == "udp-multicast"


async def test_the_command_registers_meters_where_they_listen() -> None:
    registered: list[dict[str, Any]] = []

    async def create(request: web.Request) -> web.Response:
        registered.append(orjson.loads(await request.read()))
        return web.Response(headers={"X-M2M-RSC": "2001"})

    application = web.Application()
    application.router.add_post("/{path:.*}", create)
    async with TestServer(application) as server:
        options = parse("--count", "3", "--cse", str(server.make_url("")))
        devices = options.devices("Cudp")
        meters = UdpMeters(devices, port=0)
        task = asyncio.create_task(run_meters(options, devices, meters))
        while len(registered) < 6:
            await settle()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    entities = [body["m2m:ae"] for body in registered if "m2m:ae" in body]
    assert {(entity["rn"], *entity["poa"]) for entity in entities} == {
        (f"udp000{number}", f"coap://127.7.0.{number}:{meters.port}") for number in (1, 2, 3)
    }


def parse(*arguments: str) -> MeterOptions:
    """What a command gets that was called with these arguments."""
    parsed: list[MeterOptions] = []
    click.command()(meter_options(parsed.append)).main(arguments, standalone_mode=False)
    return parsed[0]
