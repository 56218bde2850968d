"""A device: where it stands, how it sends and listens, and what its firmware does with what it hears."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from cse.testing.device import SimulatedDevice
from plugins.lora_broadcast.radio.application import Application
from plugins.lora_broadcast.radio.gateway import Job
from plugins.lora_broadcast.radio.kernel import Kernel
from plugins.lora_broadcast.radio.propagation import sensitivity
from plugins.lora_broadcast.radio.receiver import Receiver
from plugins.lora_broadcast.radio.transmitter import Frame, Transmitter
from plugins.lora_broadcast.regions import EU868, Region


@dataclass(slots=True, eq=False)
class RadioDevice:
    """`meter` decides what a request does; `losses` are in dB to each gateway; `transmit` puts a frame on a channel.

    `uplink_rate` is the data rate of its place, `transmissions` how often it sends every frame.
    """

    kernel: Kernel
    eui: str
    meter: SimulatedDevice
    losses: tuple[float, ...]
    uplink_rate: int
    transmit: Callable[["RadioDevice", Frame, int, int], None]
    device_class: str = "C"
    region: Region = EU868
    transmissions: int = 1
    levels: tuple[float, ...] = field(init=False)
    sender: Transmitter = field(init=False)
    receiver: Receiver = field(init=False)
    application: Application = field(init=False)

    def __post_init__(self) -> None:
        random = Random(f"{self.meter.seed}/{self.eui}/radio")  # noqa: S311 - a simulation
        self.levels = tuple(self.region.device_power - loss for loss in self.losses)
        self.receiver = Receiver(self.region, self.address, self.device_class)
        self.sender = Transmitter(
            self.kernel,
            self.region,
            self.uplink_rate,
            random,
            self._send,
            self.transmissions,
            listens_between=self.device_class == "A",
        )
        self.application = Application(self.kernel, self.meter, self.sender, self.receiver, random)

    @property
    def address(self) -> int:
        """Its DevAddr."""
        return 0x26000000 | int(self.eui, 16) & 0x1FFFFFF

    @property
    def data_rate(self) -> int:
        """The data rate at which it sends."""
        return self.sender.data_rate

    @data_rate.setter
    def data_rate(self, rate: int) -> None:
        self.sender.data_rate = rate

    @property
    def downlink_rate(self) -> int:
        """The data rate of downlinks to it."""
        return self.region.downlink_rate(self.data_rate)

    @property
    def hearing(self) -> list[int]:
        """The gateways that hear it, best first. Its downlinks, which are stronger, come through from all of them."""
        limit = self.region.device_power - sensitivity(self.region.data_rates[self.data_rate])
        audible = [index for index, loss in enumerate(self.losses) if loss <= limit]
        return sorted(audible, key=lambda index: self.losses[index])

    def takes(self, job: Job, start: int) -> bool:
        """Whether it listens to a downlink that began at `start`."""
        return self.sender.sending_until <= start and self.receiver.takes(job, start, self.downlink_rate)

    def receive(self, job: Job) -> None:
        """A downlink has come through; whether it is lost nevertheless is decided once, however often it is sent."""
        if self.receiver.is_new(job) and self.meter.hears():
            self.application.receive(job.port, job.payload, job.address)

    def _send(self, frame: Frame, channel: int, airtime: int) -> None:
        self.receiver.open_windows(self.kernel.now + airtime, channel, self.data_rate)
        self.transmit(self, frame, channel, airtime)
