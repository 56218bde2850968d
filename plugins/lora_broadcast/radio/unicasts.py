"""How a downlink gets to a single device, by its class: at any time, in a ping slot, or after its next uplink."""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from functools import partial

from plugins.lora_broadcast.network_server import Drop
from plugins.lora_broadcast.radio.device import RadioDevice
from plugins.lora_broadcast.radio.gateway import APPLICATION, Gateway, Job
from plugins.lora_broadcast.radio.kernel import Kernel
from plugins.lora_broadcast.radio.ping_slots import next_slot
from plugins.lora_broadcast.radio.receiver import slot_channel
from plugins.lora_broadcast.radio.session_setup import PING_SLOTS
from plugins.lora_broadcast.regions import FIRST_WINDOW_DELAY, SECOND_WINDOW_DELAY, Channel, Region

# Downlinks that wait for one device of class A.
MOST_WAITING = 8


class Unicasts:
    """What waits for a device of class A goes out in its receive windows, one frame for each uplink."""

    def __init__(self, kernel: Kernel, region: Region, gateways: Sequence[Gateway]) -> None:
        self._kernel = kernel
        self._region = region
        self._gateways = gateways
        self._modes: dict[str, str] = {}
        self._waiting: defaultdict[str, deque[Job]] = defaultdict(deque)

    def room(self, device: RadioDevice) -> int:
        """The largest payload to a device."""
        return self._region.data_rates[device.downlink_rate].max_payload

    def mode(self, device: RadioDevice) -> str:
        """The class in which a device works, as it said in its latest uplink."""
        return self._modes.get(device.eui, device.device_class)

    def send(
        self,
        device: RadioDevice,
        port: int,
        payload: bytes,
        expires: int,
        sent: Callable[[int, int], None],
        dropped: Callable[[Drop], None],
        *,
        priority: int = APPLICATION,
        wanted: Callable[[], bool] = lambda: True,
    ) -> bool:
        """Send it or drop it before it expires; whether it has to wait for the device's next uplink."""
        channel = Channel(self._region.second_window.frequency, device.downlink_rate)
        job = Job(port, payload, channel, expires, sent, dropped, device.eui, priority=priority, wanted=wanted)
        mode = self.mode(device)
        if mode == "A":
            return self._wait(device, job)
        if mode == "B":
            self._send_in_slot(device, job, self._kernel.now)
        else:
            self._best(device).submit(job)
        return False

    def uplink(self, device: RadioDevice, channel: int, receivers: Sequence[Gateway]) -> None:
        """An uplink has ended: its receive windows follow."""
        self._modes[device.eui] = device.receiver.mode(self._kernel.now)
        waiting = self._waiting.get(device.eui)
        while waiting and (waiting[0].settled or not waiting[0].wanted()):
            waiting.popleft()
        if waiting:
            job = waiting[0]
            gateway = min(receivers, key=lambda receiver: device.losses[receiver.index])
            job.channel = self._region.first_window(channel, device.data_rate)
            second = partial(self._second_window, gateway, job, self._kernel.now + SECOND_WINDOW_DELAY)
            gateway.submit_at(job, self._kernel.now + FIRST_WINDOW_DELAY, second)

    def _second_window(self, gateway: Gateway, job: Job, time: int) -> None:
        """RX1 was missed; when RX2 is missed as well, or too slow for it, the job waits for another uplink."""
        window = self._region.second_window
        if len(job.payload) <= self._region.data_rates[window.data_rate].max_payload:
            job.channel = window
            gateway.submit_at(job, time, lambda: None)

    def _wait(self, device: RadioDevice, job: Job) -> bool:
        """Keep it for the next uplinks, in the place of the same from before; whether there is room."""
        waiting = self._waiting[device.eui]
        for earlier in [one for one in waiting if (one.port, one.payload) == (job.port, job.payload)]:
            waiting.remove(earlier)
            earlier.drop(Drop.REPEATED)
        if len(waiting) >= MOST_WAITING:
            job.drop(Drop.QUEUE_FULL)
        else:
            waiting.append(job)
            self._kernel.at(job.expires, partial(job.drop, Drop.EXPIRED))
        return not job.settled

    def _send_in_slot(self, device: RadioDevice, job: Job, after: int) -> None:
        """Send in the first ping slot after this time in which the best gateway is free."""
        gateway, time = self._best(device), next_slot(after, device.address, PING_SLOTS)
        if time > job.expires:
            gateway.expire(job)
            return
        job.channel = slot_channel(self._region, device.address, device.downlink_rate, time)
        gateway.submit_at(job, time, partial(self._send_in_slot, device, job, time))

    def _best(self, device: RadioDevice) -> Gateway:
        return self._gateways[device.hearing[0]]
