"""Puts a whole LoRaWAN network together. No sockets, no clock: `run` lets virtual time pass."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from cse.protection import Trust
from cse.protection.trust import NOBODY
from cse.testing.device import SimulatedDevice
from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.network_server import Command, Event
from plugins.lora_broadcast.radio.device import RadioDevice
from plugins.lora_broadcast.radio.gateway import Gateway
from plugins.lora_broadcast.radio.kernel import Kernel
from plugins.lora_broadcast.radio.medium import Medium
from plugins.lora_broadcast.radio.propagation import (
    DEVICE_POWER,
    PATH_LOSS,
    Terrain,
    best_data_rate,
    gateway_ring,
    settle,
)
from plugins.lora_broadcast.radio.server import Server


@dataclass(frozen=True)
class Scenario:
    """Where everything stands: `radius` in metres, `shadowing` and `margin` in dB.

    `margin` is what a device keeps above the sensitivity when it chooses its data rate; `class_a` are the DevEUIs of
    devices that listen only after their own uplinks.
    """

    gateways: int = 4
    radius: float = 5000.0
    path_loss: str = "oulu"
    shadowing: float = 7.8
    margin: float = 10.0
    seed: int = 0
    class_a: frozenset[str] = frozenset()


class Simulation:
    """A network with these meters, by DevEUI. Everything that is random is fixed by the scenario's and their seeds.

    `receive` is told every event; replace it to listen. The meters take only broadcasts by whom they `trust`.
    """

    def __init__(self, scenario: Scenario, meters: Mapping[str, SimulatedDevice], trust: Trust = NOBODY) -> None:
        self.receive: Callable[[Event], None] = lambda event: None
        self.kernel = Kernel()
        self.medium = medium = Medium(self.kernel)
        occupied: dict[int, int] = {}
        medium.gateways = [
            Gateway(self.kernel, index, medium.send_down, occupied) for index in range(scenario.gateways)
        ]
        medium.devices = _build(scenario, meters, self.kernel, medium, trust)
        self.server = Server(self.kernel, medium.devices, medium.gateways, self._emit)
        medium.uplink = self.server.uplink

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
        """One line on what the radio has done so far."""
        spent = ", ".join(f"{purpose} {used / SECOND:.1f} s" for purpose, used in sorted(self.medium.airtime.items()))
        overloads = sum(gateway.concentrator.overloads for gateway in self.medium.gateways)
        return (
            f"{self.kernel.now / SECOND:.0f} s: {self.medium.uplinks} uplinks, {self.medium.lost} lost, "
            f"{overloads} times all demodulators busy; airtime of the gateways: {spent or 'none'}"
        )

    def _emit(self, event: Event) -> None:
        self.receive(event)


def dev_eui(number: int) -> str:
    """The DevEUI of a simulated device, from the locally administered ones."""
    return f"{(0x02 << 56) + number:016x}"


def _build(
    scenario: Scenario, meters: Mapping[str, SimulatedDevice], kernel: Kernel, medium: Medium, trust: Trust
) -> dict[str, RadioDevice]:
    places = gateway_ring(scenario.gateways, scenario.radius)
    terrain = Terrain(places, PATH_LOSS[scenario.path_loss], scenario.shadowing)
    devices = {}
    for eui, meter in meters.items():
        random = Random(f"{scenario.seed}/{eui}/place")  # noqa: S311 - a simulation
        _, losses = settle(terrain, scenario.radius, random)
        rate = best_data_rate(DEVICE_POWER - min(losses), scenario.margin)
        device_class = "A" if eui in scenario.class_a else "C"
        devices[eui] = RadioDevice(kernel, eui, meter, losses, rate, medium.send_up, device_class, trust)
    return devices
