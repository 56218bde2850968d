"""What no transmitter may ever do, however much is asked of it: every transmission of a whole network."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import pytest

from plugins.lora_broadcast.codec import REQUEST_PORT
from plugins.lora_broadcast.network_server import MulticastDownlink, SetGroup, UnicastDownlink
from plugins.lora_broadcast.radio.device import RadioDevice
from plugins.lora_broadcast.radio.gateway import Gateway, Job
from plugins.lora_broadcast.radio.kernel import HOUR
from plugins.lora_broadcast.radio.ledger import allowance
from plugins.lora_broadcast.radio.simulation import Scenario, Simulation
from plugins.lora_broadcast.radio.transmitter import Frame
from plugins.lora_broadcast.regions import REGIONS, SubBand
from tests.plugins.lora_broadcast.kit import build_meters, message


@dataclass
class Log:
    """Every transmission: by sender, the sub-band, start, end and whether it was received."""

    simulation: Simulation
    sent: dict[str, list[tuple[SubBand, int, int]]] = field(default_factory=lambda: defaultdict(list))
    received: list[tuple[int, int, set[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        medium = self.simulation.medium
        for gateway in medium.gateways:
            gateway._transmit = self._down
        for device in medium.devices.values():
            device.transmit = self._up
        medium.uplink = self._receive

    def _note(self, sender: str, frequency: int, airtime: int) -> None:
        now = self.simulation.kernel.now
        self.sent[sender].append((self.simulation.region.band(frequency), now, now + airtime))

    def _down(self, gateway: Gateway, job: Job) -> None:
        self._note(gateway.name, job.channel.frequency, gateway.airtime(job))
        self.simulation.medium.send_down(gateway, job)

    def _up(self, device: RadioDevice, frame: Frame, channel: int, airtime: int) -> None:
        assert airtime <= (self.simulation.region.dwell or HOUR)
        self._note(device.eui, channel, airtime)
        self.simulation.medium.send_up(device, frame, channel, airtime)

    def _receive(self, device: RadioDevice, frame: Frame, channel: int, receivers: Sequence[Gateway]) -> None:
        end = self.simulation.kernel.now
        start = end - device.sender.airtime(frame.payload)
        self.received.append((start, end, {gateway.name for gateway in receivers}))
        self.simulation.server.uplink(device, frame, channel, receivers)

    def busiest_hours(self) -> dict[SubBand, int]:
        """The largest airtime of any sender in any hour, by sub-band, in microseconds."""
        most: dict[SubBand, int] = defaultdict(int)
        for transmissions in self.sent.values():
            by_band: dict[SubBand, list[tuple[int, int]]] = defaultdict(list)
            for band, start, end in transmissions:
                by_band[band].append((start, end))
            for band, times in by_band.items():
                most[band] = max(most[band], _busiest_hour(times))
        return most


def _busiest_hour(times: list[tuple[int, int]]) -> int:
    """The airtime of the hour in which most is sent; such an hour ends with a transmission."""
    first, spent, most = 0, 0, 0
    for start, end in times:
        spent += end - start
        while times[first][1] <= end - HOUR:
            spent -= times[first][1] - times[first][0]
            first += 1
        cut = max(0, end - HOUR - times[first][0])
        most = max(most, spent - cut)
    return most


@pytest.fixture(scope="module", params=REGIONS)
def log(request: pytest.FixtureRequest) -> Log:
    """Three hours in which far more is asked for than there is time, of devices of all classes."""
    region, seed, lifetime = request.param, 1, 600_000
    meters = build_meters(40, seed=seed, interval=20, request_loss=0.1)
    names = sorted(meters)
    scenario = Scenario(
        2, seed=seed, region=region, class_a=frozenset(names[:10]), class_b=frozenset(names[10:20]), transmissions=2
    )
    log, random = Log(Simulation(scenario, meters)), Random(seed)
    log.simulation.handle(SetGroup("g", tuple(names), switch_class_a=True))
    for number in range(180):
        for unicast in range(20):
            payload = message(number * 20 + unicast, 4)[: random.randrange(20, 38)]
            eui = random.choice(names)
            log.simulation.handle(UnicastDownlink(f"{number}/{unicast}", eui, REQUEST_PORT, payload, lifetime))
        log.simulation.handle(MulticastDownlink(f"{number}", "g", REQUEST_PORT, message(number, 4)[:33], lifetime))
        log.simulation.run(60)
    return log


def test_no_transmitter_exceeds_its_duty_cycle_in_any_hour(log: Log) -> None:
    busiest = log.busiest_hours()
    assert all(spent <= allowance(band) for band, spent in busiest.items())
    if log.simulation.region.dwell is None:
        assert max(spent / allowance(band) for band, spent in busiest.items()) > 0.9


def test_nobody_sends_two_frames_at_a_time(log: Log) -> None:
    for transmissions in log.sent.values():
        assert all(later[1] >= earlier[2] for earlier, later in pairwise(transmissions))


def test_a_gateway_that_transmits_receives_nothing(log: Log) -> None:
    assert len(log.received) > 1000
    for name in ("gateway-1", "gateway-2"):
        times = [(start, end) for _, start, end in log.sent[name]]
        heard = sorted((start, end) for start, end, receivers in log.received if name in receivers)
        position = 0
        for start, end in heard:
            while position < len(times) and times[position][1] <= start:
                position += 1
            assert position == len(times) or times[position][0] >= end
