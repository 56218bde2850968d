"""The physical layer: puts frames on the air and decides, when each is over, who has received it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from plugins.lora_broadcast.radio.air import Air, Transmission
from plugins.lora_broadcast.radio.device import RadioDevice
from plugins.lora_broadcast.radio.gateway import Gateway, Job
from plugins.lora_broadcast.radio.interference import Thresholds
from plugins.lora_broadcast.radio.kernel import Kernel
from plugins.lora_broadcast.radio.propagation import sensitivity
from plugins.lora_broadcast.radio.transmitter import Frame
from plugins.lora_broadcast.regions import Region


class Medium:
    """Its `gateways` and `devices` (by DevEUI) are set once they are built, `uplink` by whom received uplinks go to.

    `uplink(device, frame, channel, gateways)` is told the gateways that have received it. `uplinks` and `lost` count
    uplink transmissions and those that no gateway received, `airtime` the microseconds of downlinks by purpose.
    """

    gateways: Sequence[Gateway] = ()
    devices: Mapping[str, RadioDevice] = MappingProxyType({})
    uplink: Callable[[RadioDevice, Frame, int, Sequence[Gateway]], None]

    def __init__(self, kernel: Kernel, region: Region, thresholds: Thresholds) -> None:
        self.uplinks = 0
        self.lost = 0
        self.airtime: Counter[str] = Counter()
        self._kernel = kernel
        self._region = region
        self._thresholds = thresholds
        self._air = Air()
        self._counters: Counter[str] = Counter()

    def send_up(self, device: RadioDevice, frame: Frame, channel: int, airtime: int) -> None:
        """A device transmits from now on."""
        now = self._kernel.now
        rate = self._region.data_rates[device.data_rate]
        transmission = Transmission(channel, rate, now, now + airtime, device.levels)
        self._air.add(transmission)
        self.uplinks += 1
        locked = [gateway for gateway in self.gateways if gateway.concentrator.lock(transmission)]
        self._kernel.at(transmission.end, partial(self._end_uplink, device, frame, transmission, locked))

    def send_down(self, gateway: Gateway, job: Job) -> None:
        """A gateway transmits from now on."""
        now, airtime = self._kernel.now, gateway.airtime(job)
        rate = self._region.data_rates[job.channel.data_rate]
        transmission = Transmission(job.channel.frequency, rate, now, now + airtime, gateway=gateway.index)
        self._air.add(transmission)
        self.airtime[job.purpose] += airtime
        if job.device:
            self._counters[job.device] += 1
            job.counter = self._counters[job.device]
        self._kernel.at(transmission.end, partial(self._end_downlink, job, transmission))

    def _end_uplink(
        self, device: RadioDevice, frame: Frame, transmission: Transmission, locked: Sequence[Gateway]
    ) -> None:
        receivers = [gateway for gateway in locked if gateway.concentrator.receives(transmission)]
        transmission.disturbers.clear()
        if receivers:
            self.uplink(device, frame, transmission.frequency, receivers)
        else:
            self.lost += 1

    def _end_downlink(self, job: Job, transmission: Transmission) -> None:
        addressed = [self.devices[job.device]] if job.device else self.devices.values()
        for device in addressed:
            if device.takes(job, transmission.start) and self._comes_through(device, transmission):
                device.receive(job)
        transmission.disturbers.clear()
        job.sent(transmission.gateway, transmission.end - transmission.start)

    def _comes_through(self, device: RadioDevice, transmission: Transmission) -> bool:
        """Whether a downlink is strong enough at a device."""
        level = self._region.gateway_power - device.losses[transmission.gateway]
        thresholds = self._thresholds[transmission.spreading_factor]
        return level >= sensitivity(transmission.rate) and all(
            level - self._region.gateway_power + device.losses[other.gateway] >= thresholds[other.spreading_factor]
            for other in transmission.disturbers
        )
