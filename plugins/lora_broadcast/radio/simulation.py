"""Puts a whole LoRaWAN network together. No sockets, no clock: `run` lets virtual time pass."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from cse.protection import Trust
from cse.protection.trust import NOBODY
from cse.testing.device import SimulatedDevice
from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.network_server import Command, Event
from plugins.lora_broadcast.radio.air import Concentrator
from plugins.lora_broadcast.radio.beacons import Beacons
from plugins.lora_broadcast.radio.device import RadioDevice
from plugins.lora_broadcast.radio.gateway import Gateway
from plugins.lora_broadcast.radio.interference import MODELS
from plugins.lora_broadcast.radio.kernel import Kernel
from plugins.lora_broadcast.radio.medium import Medium
from plugins.lora_broadcast.radio.propagation import (
    PATH_LOSS,
    Terrain,
    best_data_rate,
    gateway_ring,
    sensitivity,
    settle,
)
from plugins.lora_broadcast.radio.server import Server
from plugins.lora_broadcast.regions import REGIONS, Channel, Region


@dataclass(frozen=True)
class Scenario:
    """Where everything stands: `radius` in metres, `shadowing` and `margin` in dB.

    `margin` is what a device keeps above the sensitivity when it chooses its data rate. `class_a` and `class_b` are the
    DevEUIs of devices of these classes; all others are of class C. `interference` names a model of interference between
    spreading factors. Devices send every frame `transmissions` times. With `provisioned`, they have been given their
    multicast sessions before they were installed.
    """

    gateways: int = 4
    radius: float = 5000.0
    path_loss: str = "oulu"
    shadowing: float = 7.8
    margin: float = 3.0
    seed: int = 0
    class_a: frozenset[str] = frozenset()
    class_b: frozenset[str] = frozenset()
    region: str = "EU868"
    interference: str = "matrix"
    transmissions: int = 1
    provisioned: bool = False


class Simulation:
    """A network with these meters, by DevEUI. Everything that is random is fixed by the scenario's and their seeds.

    `receive` is told every event; replace it to listen. The meters take only broadcasts by whom they `trust`.
    """

    def __init__(self, scenario: Scenario, meters: Mapping[str, SimulatedDevice], trust: Trust = NOBODY) -> None:
        self.receive: Callable[[Event], None] = lambda event: None
        self.region = region = REGIONS[scenario.region]
        self.kernel = kernel = Kernel()
        self.medium = medium = Medium(kernel, region, MODELS[scenario.interference])
        medium.gateways = _gateways(scenario, region, kernel, medium)
        medium.devices = _devices(scenario, meters, region, kernel, medium)
        for device in medium.devices.values():
            device.application.trust = trust
        self.server = Server(
            kernel, region, medium.devices, medium.gateways, self._emit, provisioned=scenario.provisioned
        )
        medium.uplink = self.server.uplink
        if listeners := [device for device in medium.devices.values() if device.device_class == "B"]:
            Beacons(kernel, region, medium.gateways, listeners, self._count_beacon).begin()

    def facts(self) -> list[Event]:
        """Everything there is to know at the moment."""
        return self.server.facts()

    def handle(self, command: Command) -> None:
        """Carry out a command at the present virtual time."""
        self.server.handle(command)

    def run(self, seconds: float) -> None:
        """Let so many virtual seconds pass."""
        self.kernel.run(self.kernel.now + int(seconds * SECOND))

    def report(self) -> str:
        """One line on what the radio has done so far, and what it has spared."""
        spent = ", ".join(f"{purpose} {used / SECOND:.1f} s" for purpose, used in sorted(self.medium.airtime.items()))
        overloads = sum(gateway.concentrator.overloads for gateway in self.medium.gateways)
        return (
            f"{self.kernel.now / SECOND:.0f} s: {self.medium.uplinks} uplinks, {self.medium.lost} lost, "
            f"{overloads} times all demodulators busy; airtime of the gateways: {spent or 'none'}; "
            f"unicasts in place of the multicasts would have taken {self.server.multicast_by_unicast / SECOND:.1f} s"
        )

    def _count_beacon(self, airtime: int) -> None:
        self.medium.airtime["beacon"] += airtime

    def _emit(self, event: Event) -> None:
        self.receive(event)


def dev_eui(number: int) -> str:
    """The DevEUI of a simulated device, from the locally administered ones."""
    return f"{(0x02 << 56) + number:016x}"


def _gateways(scenario: Scenario, region: Region, kernel: Kernel, medium: Medium) -> list[Gateway]:
    occupied: dict[Channel, int] = {}
    rates = [region.data_rates[rate] for rate in region.uplink_rates]
    sensitivities = {rate.spreading_factor: sensitivity(rate) for rate in rates}
    concentrators = [
        Concentrator(index, sensitivities, MODELS[scenario.interference]) for index in range(scenario.gateways)
    ]
    return [Gateway(kernel, region, concentrator, medium.send_down, occupied) for concentrator in concentrators]


def _devices(
    scenario: Scenario, meters: Mapping[str, SimulatedDevice], region: Region, kernel: Kernel, medium: Medium
) -> dict[str, RadioDevice]:
    places = gateway_ring(scenario.gateways, scenario.radius)
    terrain = Terrain(places, PATH_LOSS[scenario.path_loss], scenario.shadowing)
    largest_loss = region.device_power - sensitivity(region.data_rates[region.uplink_rates[0]])
    devices = {}
    for eui, meter in meters.items():
        random = Random(f"{scenario.seed}/{eui}/place")  # noqa: S311 - a simulation
        _, losses = settle(terrain, scenario.radius, largest_loss, random)
        rate = best_data_rate(region, region.device_power - min(losses), scenario.margin)
        device_class = "A" if eui in scenario.class_a else "B" if eui in scenario.class_b else "C"
        devices[eui] = RadioDevice(
            kernel, eui, meter, losses, rate, medium.send_up, device_class, region, scenario.transmissions
        )
    return devices
