"""The network server of the simulation: carries out commands, tells events."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.network_server import (
    Command,
    Completed,
    DeviceFacts,
    Downlink,
    Drop,
    Dropped,
    Event,
    GatewayFacts,
    MulticastDownlink,
    Queued,
    Ready,
    Sent,
    SetGroup,
    UnicastDownlink,
    Uplink,
)
from plugins.lora_broadcast.radio import session_setup
from plugins.lora_broadcast.radio.device import RadioDevice
from plugins.lora_broadcast.radio.gateway import Gateway
from plugins.lora_broadcast.radio.kernel import Kernel
from plugins.lora_broadcast.radio.multicasts import Multicast, Multicasts
from plugins.lora_broadcast.radio.sessions import Sessions
from plugins.lora_broadcast.radio.transmitter import Frame
from plugins.lora_broadcast.radio.unicasts import Unicasts
from plugins.lora_broadcast.regions import Region

BUDGET_PERIOD = 60 * SECOND
_DROPS = {
    Drop.DUTY_CYCLE: "the gateway has used up its duty cycle for this hour",
    Drop.EXPIRED: "the gateway had no time to send it before it expired, or the device has sent nothing by then",
    Drop.QUEUE_FULL: "the queue is full",
    Drop.REPEATED: "the same has been handed over again",
}


class Server:
    """`emit` is told every event. With `provisioned`, multicast sessions need no set-up on the air."""

    def __init__(
        self,
        kernel: Kernel,
        region: Region,
        devices: Mapping[str, RadioDevice],
        gateways: Sequence[Gateway],
        emit: Callable[[Event], None],
        *,
        provisioned: bool = False,
    ) -> None:
        self._kernel = kernel
        self._region = region
        self._devices = devices
        self._gateways = gateways
        self._emit = emit
        self._unicasts = Unicasts(kernel, region, gateways)
        self._multicasts = Multicasts(kernel, region, devices, gateways, self._tell_sent, self._end_multicast)
        self._sessions = Sessions(kernel, region, devices, gateways, self._unicasts, emit, provisioned=provisioned)
        self._budgets: dict[str, int] = {}
        self._intervals: dict[str, int] = {}
        self._counters: dict[str, int] = {}
        self._watch_budgets()

    @property
    def multicast_by_unicast(self) -> int:
        """Microseconds of airtime that unicasts in place of all multicasts would have taken."""
        return self._multicasts.by_unicast

    def facts(self) -> list[Event]:
        """Everything there is to know, then Ready."""
        devices = [self._device_facts(device) for device in self._devices.values()]
        gateways = [self._gateway_facts(gateway) for gateway in self._gateways]
        return [*devices, *gateways, *self._sessions.facts(), Ready(self._region.name)]

    def handle(self, command: Command) -> None:
        """Carry out a command; a downlink ends with one Completed or Dropped."""
        match command:
            case SetGroup():
                self._sessions.set_group(command)
            case MulticastDownlink():
                self._multicast(command)
            case UnicastDownlink():
                self._unicast(command)

    def uplink(self, device: RadioDevice, frame: Frame, channel: int, receivers: Sequence[Gateway]) -> None:
        """An uplink has been received; repeats of a frame count once."""
        self._unicasts.uplink(device, channel, receivers)
        if frame.counter <= self._counters.get(device.eui, 0):
            return
        self._counters[device.eui] = frame.counter
        if frame.port == session_setup.PORT:
            self._sessions.acknowledged(device.eui, frame.payload)
        else:
            self._emit(Uplink(device.eui, frame.counter, frame.port, frame.payload))
        if int(device.meter.interval) != self._intervals.get(device.eui, int(device.meter.interval)):
            self._emit(self._device_facts(device))

    def _multicast(self, downlink: MulticastDownlink) -> None:
        group = self._sessions.groups.get(downlink.group)
        if group is None:
            self._drop(downlink.id, Drop.UNKNOWN, f"no multicast group {downlink.group} has been set up")
        elif self._acceptable(downlink, self._region.data_rates[group.data_rate].max_payload):
            self._multicasts.start(downlink, group, self._expiry(downlink.lifetime_ms))

    def _end_multicast(self, run: Multicast) -> None:
        if run.sent:
            self._emit(Completed(run.downlink.id))
        else:
            self._drop(run.downlink.id, run.reason, _DROPS[run.reason])

    def _unicast(self, downlink: UnicastDownlink) -> None:
        device = self._devices.get(downlink.device)
        if device is None or not device.hearing:
            self._drop(downlink.id, Drop.UNKNOWN, f"no gateway hears a device {downlink.device}")
        elif self._acceptable(downlink, self._unicasts.room(device)):
            waits = self._unicasts.send(
                device,
                downlink.port,
                downlink.payload,
                self._expiry(downlink.lifetime_ms),
                partial(self._unicast_sent, downlink.id),
                lambda reason: self._drop(downlink.id, reason, _DROPS[reason]),
            )
            if waits:
                self._emit(Queued(downlink.id))

    def _unicast_sent(self, downlink_id: str, gateway: int, airtime: int) -> None:
        self._tell_sent(downlink_id, gateway, airtime)
        self._emit(Completed(downlink_id))

    def _expiry(self, lifetime_ms: int) -> int:
        return self._kernel.now + lifetime_ms * 1000

    def _acceptable(self, downlink: Downlink, room: int) -> bool:
        """Whether port and length are allowed; it is dropped if not."""
        if not 1 <= downlink.port <= 223 or downlink.port == session_setup.PORT:
            sentence = f"applications use ports 1 to 223 without {session_setup.PORT}"
            self._drop(downlink.id, Drop.REFUSED, sentence)
        elif len(downlink.payload) > room:
            sentence = f"{len(downlink.payload)} bytes exceed the {room} bytes of the data rate"
            self._drop(downlink.id, Drop.PAYLOAD_TOO_LARGE, sentence)
        else:
            return True
        return False

    def _drop(self, downlink_id: str, reason: Drop, sentence: str) -> None:
        self._emit(Dropped(downlink_id, reason, sentence))

    def _tell_sent(self, downlink_id: str, index: int, airtime: int) -> None:
        gateway = self._gateways[index]
        self._emit(Sent(downlink_id, gateway.name, airtime))
        self._emit(self._gateway_facts(gateway))

    def _watch_budgets(self) -> None:
        for gateway in self._gateways:
            if self._budgets.get(gateway.name) != gateway.budget:
                self._emit(self._gateway_facts(gateway))
        self._kernel.after(BUDGET_PERIOD, self._watch_budgets)

    def _gateway_facts(self, gateway: Gateway) -> GatewayFacts:
        self._budgets[gateway.name] = gateway.budget
        return GatewayFacts(gateway.name, self._region.downlink_band.name, gateway.budget)

    def _device_facts(self, device: RadioDevice) -> DeviceFacts:
        self._intervals[device.eui] = int(device.meter.interval)
        return DeviceFacts(
            device.eui,
            device.address,
            device.device_class,
            self._region.name,
            device.data_rate,
            tuple(self._gateways[index].name for index in device.hearing),
            device.meter.id,
            int(device.meter.interval),
        )
