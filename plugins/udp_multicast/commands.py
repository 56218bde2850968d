"""`cse meters udp`: simulated meters as a program of their own."""

import asyncio
import tomllib
from ipaddress import IPv4Address
from pathlib import Path

import click

from cse.coap.target import DEFAULT_PORT
from cse.config import ConfigurationError, require_private
from cse.protection import Secret, Trust
from cse.testing.device import SimulatedDevice
from cse.testing.meters import PROBABILITY, MeterOptions, meter_options, operate, report_refusals, trust_options
from plugins.udp_multicast.meters import LOOPBACK, UdpMeters

SECRETS_HELP = "the meters' secrets, as `cse keys member` prints them; their answers prove who they are"


@click.command("udp")
@meter_options
@trust_options
@click.option("--secrets", type=click.Path(exists=True, dir_okay=False, path_type=Path), help=SECRETS_HELP)
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, help="UDP port of all")
@click.option("--base", default="127.7.0.0", show_default=True, help="address before that of meter 1")
@click.option("--interface", default=LOOPBACK, show_default=True, help="IPv4 address at which they hear multicasts")
@click.option("--lies", type=PROBABILITY, default=0.0, help="probability that an answer states another meter's name")
@click.option("--rubbish", type=PROBABILITY, default=0.0, help="probability that an answer cannot be decoded")
@click.option(
    "--wrong-address", type=PROBABILITY, default=0.0, help="probability that an answer has a stranger's address"
)
def udp(
    options: MeterOptions,
    trust: Trust,
    secrets: Path | None,
    port: int,
    base: str,
    interface: str,
    lies: float,
    rubbish: float,
    wrong_address: float,
) -> None:
    """Meters on CoAP over UDP, each with its own address, for unicast and multicast.

    Addresses beyond loopback must be routed to this machine: ip route add local NETWORK dev lo.
    """
    devices = options.devices("Cudp")
    for device in devices:
        device.faults.lies, device.faults.rubbish = lies, rubbish
    first = str(_address(base, "--base") + options.first)
    where = str(_address(interface, "--interface"))
    known = read_secrets(secrets) if secrets else {}
    meters = UdpMeters(
        devices, port=port, base=first, interface=where, wrong_address=wrong_address, trust=trust, secrets=known
    )
    try:
        asyncio.run(run_meters(options, devices, meters))
    finally:
        report_refusals(devices)


def _address(text: str, option: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except ValueError:
        raise click.BadParameter(f"{text} is no IPv4 address", param_hint=option) from None


def read_secrets(path: Path) -> dict[str, Secret]:
    """The secrets of devices in a file: lines of TOML as `cse keys member` prints them."""
    try:
        require_private(path)
        return {device: Secret.from_text(text) for device, text in tomllib.loads(path.read_text()).items()}
    except (OSError, ValueError, ConfigurationError) as error:
        raise click.BadParameter(str(error), param_hint="--secrets") from None


async def run_meters(options: MeterOptions, devices: list[SimulatedDevice], meters: UdpMeters) -> None:
    """Register these meters and let them answer and report until cancelled."""
    try:
        await meters.start()
    except OSError as error:
        raise click.ClickException(f"cannot listen on UDP port {meters.port}: {error.strerror}") from error
    try:
        await operate(options.fleet(devices, meters.points_of_access))
    finally:
        await meters.stop()
