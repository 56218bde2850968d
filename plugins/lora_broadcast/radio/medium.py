"""The physical layer: puts frames on the air and decides, when each is over, who has received it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from plugins.lora_broadcast.airtime import DOWNLINK_CHANNEL
from plugins.lora_broadcast.radio.air import Air, Transmission, demodulated
from plugins.lora_broadcast.radio.device import Frame, RadioDevice
from plugins.lora_broadcast.radio.gateway import Gateway, Job
from plugins.lora_broadcast.radio.kernel import Kernel
from plugins.lora_broadcast.radio.propagation import DEVICE_POWER, GATEWAY_POWER, SENSITIVITIES


class Medium:
    """Its `gateways` and `devices` (by DevEUI) are set once they are built, `uplink` by whom received uplinks go to.

    `uplinks` and `lost` count uplink transmissions and those that no gateway received, `airtime` the microseconds of
    downlinks by purpose.
    """

    gateways: Sequence[Gateway] = ()
    devices: Mapping[str, RadioDevice] = MappingProxyType({})
    uplink: Callable[[RadioDevice, Frame], None]

    def __init__(self, kernel: Kernel) -> None:
        self.uplinks = 0
        self.lost = 0
        self.airtime: Counter[str] = Counter()
        self._kernel = kernel
        self._air = Air()

    def send_up(self, device: RadioDevice, frame: Frame, channel: int, airtime: int) -> None:
        """A device transmits from now on."""
        levels = tuple(DEVICE_POWER - loss for loss in device.losses)
        now = self._kernel.now
        transmission = Transmission(channel, device.data_rate, now, now + airtime, levels=levels)
        self._air.add(transmission)
        self.uplinks += 1
        locked = [gateway for gateway in self.gateways if gateway.concentrator.lock(transmission)]
        self._kernel.at(transmission.end, partial(self._end_uplink, device, frame, transmission, locked))

    def send_down(self, gateway: Gateway, job: Job) -> None:
        """A gateway transmits from now on."""
        now = self._kernel.now
        transmission = Transmission(DOWNLINK_CHANNEL, job.data_rate, now, now + job.airtime, gateway=gateway.index)
        self._air.add(transmission)
        self.airtime[job.purpose] += job.airtime
        self._kernel.at(transmission.end, partial(self._end_downlink, job, transmission))

    def _end_uplink(
        self, device: RadioDevice, frame: Frame, transmission: Transmission, locked: Iterable[Gateway]
    ) -> None:
        interferers = self._air.interferers(transmission)
        if any(gateway.concentrator.receives(transmission, interferers) for gateway in locked):
            self.uplink(device, frame)
        else:
            self.lost += 1

    def _end_downlink(self, job: Job, transmission: Transmission) -> None:
        interferers = self._air.interferers(transmission)
        for device in self._addressed(job):
            if self._hears(device, transmission, interferers):
                device.receive(job.port, job.payload, multicast=not job.device, address=job.address)
        job.sent(transmission.gateway, job.airtime)

    def _addressed(self, job: Job) -> list[RadioDevice]:
        if job.device:
            return [self.devices[job.device]]
        return [device for device in self.devices.values() if device.listens(job.address, job.data_rate)]

    @staticmethod
    def _hears(device: RadioDevice, transmission: Transmission, interferers: Iterable[Transmission]) -> bool:
        level = GATEWAY_POWER - device.losses[transmission.gateway]
        if level < SENSITIVITIES[transmission.data_rate] or device.sending_until > transmission.start:
            return False
        return demodulated(level, (GATEWAY_POWER - device.losses[other.gateway] for other in interferers))
