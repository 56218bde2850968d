"""Beacons of class B: all gateways send the same one at the same moment, and devices keep time by it."""

from collections.abc import Callable, Sequence

from plugins.lora_broadcast.radio.device import RadioDevice
from plugins.lora_broadcast.radio.gateway import Gateway
from plugins.lora_broadcast.radio.kernel import Kernel
from plugins.lora_broadcast.radio.ping_slots import BEACON_PERIOD
from plugins.lora_broadcast.radio.propagation import sensitivity
from plugins.lora_broadcast.regions import Region


class Beacons:
    """`listeners` are the devices of class B; `spent(airtime)` is told of every beacon that a gateway sends.

    Equal signals at the same time do not disturb one another. A device misses a beacon as it misses other downlinks.
    """

    def __init__(
        self,
        kernel: Kernel,
        region: Region,
        gateways: Sequence[Gateway],
        listeners: Sequence[RadioDevice],
        spent: Callable[[int], None],
    ) -> None:
        self._kernel = kernel
        self._region = region
        self._gateways = gateways
        self._listeners = listeners
        self._spent = spent

    def begin(self) -> None:
        """Send the first beacon; others follow for ever."""
        for gateway in self._gateways:
            gateway.beacons = True
        self._send()

    def _send(self) -> None:
        """A beacon period begins."""
        self._kernel.after(BEACON_PERIOD, self._send)
        senders = [gateway.index for gateway in self._gateways if gateway.beacon()]
        for _ in senders:
            self._spent(self._region.beacon_airtime)
        now, limit = self._kernel.now, sensitivity(self._region.data_rates[self._region.beacon.data_rate])
        for device in self._listeners:
            strongest = max((self._region.gateway_power - device.losses[index] for index in senders), default=limit - 1)
            if strongest >= limit and device.sender.sending_until <= now and device.meter.hears():
                device.receiver.beacon_at = now
