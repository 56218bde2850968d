"""`cse meters lora`: simulated meters on a simulated LoRaWAN network, with the network server's door."""

import asyncio
import gc
from typing import Any

import click

from cse.protection import Trust
from cse.testing.device import SimulatedDevice
from cse.testing.fleet import RegistrationFailed
from cse.testing.meters import PROBABILITY, MeterOptions, meter_options, report_refusals, trust_options
from cse.timing import SystemClock
from plugins.lora_broadcast.endpoint import parse_endpoint
from plugins.lora_broadcast.radio.door import Door
from plugins.lora_broadcast.radio.interference import MODELS
from plugins.lora_broadcast.radio.propagation import PATH_LOSS
from plugins.lora_broadcast.radio.simulation import Scenario, Simulation, dev_eui
from plugins.lora_broadcast.regions import REGIONS

HOUR = 3600.0


@click.command("lora")
@meter_options
@trust_options
@click.option("--listen", default="127.0.0.1:1680", show_default=True, help="address and port of the network server")
@click.option("--radio-speed", type=click.FloatRange(0.01), help="radio seconds in a second; default: 3600 / --hour")
@click.option("--gateways", type=click.IntRange(1, 100), default=4, show_default=True, help="how many gateways")
@click.option("--radius", type=click.FloatRange(10), default=5000.0, show_default=True, help="of the area, in metres")
@click.option("--path-loss", type=click.Choice(list(PATH_LOSS)), default="oulu", show_default=True, help="its model")
@click.option("--shadowing", type=click.FloatRange(0), default=7.8, show_default=True, help="standard deviation (dB)")
@click.option("--margin", type=float, default=3.0, show_default=True, help="dB that data rates keep in reserve")
@click.option("--interference", type=click.Choice(list(MODELS)), default="matrix", show_default=True, help="its model")
@click.option("--region", type=click.Choice(list(REGIONS)), default="EU868", show_default=True, help="whose rules hold")
@click.option("--class-a", type=click.IntRange(0), default=0, show_default=True, help="so many, the last ones")
@click.option("--class-b", type=click.IntRange(0), default=0, show_default=True, help="so many, the first ones")
@click.option("--transmissions", type=click.IntRange(1, 15), default=1, show_default=True, help="of each uplink")
@click.option("--provisioned", is_flag=True, help="meters have their multicast sessions without set-up on the air")
@click.option("--rubbish", type=PROBABILITY, default=0.0, help="probability that an answer cannot be decoded")
def lora(
    options: MeterOptions,
    trust: Trust,
    listen: str,
    radio_speed: float | None,
    class_a: int,
    class_b: int,
    rubbish: float,
    **scenery: Any,
) -> None:
    """Meters on a simulated LoRaWAN network, and its network server."""
    devices = options.devices("Clora")
    for device in devices:
        device.faults.rubbish = rubbish
    meters = {dev_eui(options.first + index): device for index, device in enumerate(devices)}
    names = list(meters)
    asleep, slotted = frozenset(names[max(0, len(names) - class_a) :]), frozenset(names[:class_b])
    scenario = Scenario(seed=options.seed, class_a=asleep, class_b=slotted, **scenery)
    simulation = Simulation(scenario, meters, trust)
    gc.freeze()  # what has been built stays: not to be searched for garbage while the radio runs
    speed = radio_speed or HOUR / options.hour
    try:
        host, port = parse_endpoint(listen)
    except ValueError:
        raise click.BadParameter(
            f"{listen!r} is no IP address and port such as 127.0.0.1:1680", param_hint="--listen"
        ) from None
    try:
        asyncio.run(_run(options, meters, Door(simulation, speed, SystemClock()), host, port))
    finally:
        click.echo(simulation.report())
        report_refusals(devices)


async def _run(options: MeterOptions, meters: dict[str, SimulatedDevice], door: Door, host: str, port: int) -> None:
    """Open the door, register the AEs, then let time pass: no reading is sent before its AE exists."""
    poa = {meter.id: [f"lora://{eui}"] for eui, meter in meters.items()}
    fleet = options.fleet(list(meters.values()), lambda device: poa[device.id])
    try:
        async with door.open(host, port) as actual:
            await fleet.register()
            click.echo(f"{len(meters)} meters are registered at {options.cse}; network server at {host}:{actual}")
            await door.let_time_pass()
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from error
    except RegistrationFailed as failure:
        raise click.ClickException(str(failure)) from None
