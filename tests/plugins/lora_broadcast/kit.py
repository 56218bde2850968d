"""What the tests of this plugin share: meters, a network server that runs in the test process, requests."""

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from cse.network import Delivery, Host, Way
from cse.primitive import Content, Operation, Request
from cse.testing.device import SimulatedDevice
from cse.testing.meters import build_devices
from plugins.lora_broadcast.codec import REQUEST_PORT, AnswerMessage, CampaignMessage
from plugins.lora_broadcast.network_server import (
    Command,
    DeviceFacts,
    Event,
    MemberFacts,
    Membership,
    NetworkServer,
    Sent,
    Uplink,
)
from plugins.lora_broadcast.radio.simulation import Scenario, Simulation, dev_eui

GROUP = "group1"
DAY_MS = 86_400_000


def build_meters(count: int, **options: Any) -> dict[str, SimulatedDevice]:
    """Meters by DevEUI. They hardly ever report by themselves unless an interval is given."""
    devices = build_devices("Clora", count, **{"interval": 1e9, **options})
    return {dev_eui(number): device for number, device in enumerate(devices, 1)}


def one_gateway(seed: int = 0) -> Scenario:
    """Everybody near one gateway: what is sent is received unless something else is on the air."""
    return Scenario(gateways=1, radius=500.0, shadowing=0.0, seed=seed)


def hosts_of(meters: dict[str, SimulatedDevice]) -> list[Host]:
    return [Host(device.id, (f"lora://{eui}",)) for eui, device in meters.items()]


def instruction(interval: int = 900) -> Content:
    con = orjson.dumps({"interval": interval}).decode()
    return {"m2m:sgn": {"sur": "cse-in/city", "nev": {"rep": {"m2m:cin": {"con": con}}}}}


def device_request(identifier: str = "r1", interval: int = 900) -> Request:
    return Request(Operation.NOTIFY, "cse-in/city/fopt", "Cheadend", identifier, content=instruction(interval))


def delivery_of(request: Request, way: Way, hosts: Iterable[Host], **options: Any) -> tuple[Delivery, list[float]]:
    """As the engine makes it, and the airtimes of the transmissions that it is told."""
    airtimes: list[float] = []

    def transmitted(transmissions: int, airtime_ms: float) -> None:
        airtimes.extend([airtime_ms] * transmissions)

    members = list(hosts)
    values = {"attempt": 1, "window": way.offer.latency(len(members)) / 1000, "deadline": float("inf"), **options}
    return Delivery(request, way.offer, way.address, members, GROUP, transmitted=transmitted, **values), airtimes


class Recorder:
    """Keeps every event of a simulation."""

    def __init__(self, simulation: Simulation) -> None:
        self.events: list[Event] = []
        simulation.receive = self.events.append

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def uplinks(self, port: int) -> list[Uplink]:
        return [event for event in self.of(Uplink) if event.port == port]

    def airtime(self) -> int:
        return sum(event.airtime_us for event in self.of(Sent))


class FreeRunning(NetworkServer):
    """The simulation in the test process; the test says when virtual time passes (`simulation.run`)."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.alter: Callable[[Event], Event] = lambda event: event

    async def start(self, receive: Callable[[Event], None]) -> None:
        self.simulation.receive = lambda event: receive(self.alter(event))
        for event in self.simulation.facts():
            receive(self.alter(event))

    async def stop(self) -> None:
        self.simulation.receive = lambda event: None

    def send(self, command: Command) -> None:
        self.simulation.handle(command)


def facts_of(number: int, **options: Any) -> DeviceFacts:
    """A device as a network server tells it."""
    values: dict[str, Any] = {
        "device": dev_eui(number),
        "address": number,
        "device_class": "C",
        "region": "EU868",
        "data_rate": 0,
        "gateways": ("gateway-1",),
        "tag": "",
        "uplink_interval_s": 3600,
    }
    return DeviceFacts(**{**values, **options})


def memberships(recorder: Recorder) -> dict[str, Membership]:
    """The latest word on each device."""
    return {event.device: event.membership for event in recorder.of(MemberFacts)}


def message(campaign: int, exponent: int = 9) -> bytes:
    """A request on the air."""
    return CampaignMessage(campaign, exponent, instruction()).encode()


def answered(recorder: Recorder, campaign: int) -> set[str]:
    """The devices whose answer has been received."""
    uplinks = recorder.uplinks(REQUEST_PORT)
    return {uplink.device for uplink in uplinks if AnswerMessage.decode(uplink.payload).campaign == campaign}


def two_gateways_and_a_device_near_each(difference: float) -> tuple[Simulation, dict[str, SimulatedDevice]]:
    """Each device hears its own gateway better by so many dB."""
    meters = build_meters(2)
    simulation = Simulation(Scenario(gateways=2, radius=500.0, shadowing=0.0), meters)
    first, second = simulation.medium.devices.values()
    for device, losses in ((first, (100.0, 100.0 + difference)), (second, (100.0 + difference, 100.0))):
        device.losses, device.levels = losses, tuple(14.0 - loss for loss in losses)
    return simulation, meters
