"""The network server of the simulation: carries out commands, tells events."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from plugins.lora_broadcast.airtime import DATA_RATES, DOWNLINK_BAND, REGION, SECOND
from plugins.lora_broadcast.network_server import (
    GATEWAY_MARGIN,
    Command,
    Completed,
    DeviceFacts,
    Downlink,
    Drop,
    Dropped,
    Event,
    GatewayFacts,
    MulticastDownlink,
    Ready,
    Sent,
    SetGroup,
    UnicastDownlink,
    Uplink,
)
from plugins.lora_broadcast.radio import session_setup
from plugins.lora_broadcast.radio.device import Frame, RadioDevice
from plugins.lora_broadcast.radio.gateway import Gateway, Job
from plugins.lora_broadcast.radio.kernel import Kernel
from plugins.lora_broadcast.radio.sessions import Sessions

BUDGET_PERIOD = 60 * SECOND
_DROPS = {
    Drop.DUTY_CYCLE: "the gateway has used up its duty cycle in 869.4-869.65 MHz for this hour",
    Drop.EXPIRED: "the gateway had no time to send it before it expired",
    Drop.QUEUE_FULL: "the gateway's queue is full",
}


@dataclass(slots=True, eq=False)
class Multicast:
    """A multicast under way: the gateways that still have to send it, and what came of the others."""

    downlink: MulticastDownlink
    address: int
    data_rate: int
    remaining: list[int]
    expires: int
    sent: bool = False
    reason: Drop = Drop.EXPIRED


class Server:
    """`emit` is told every event."""

    def __init__(
        self,
        kernel: Kernel,
        devices: Mapping[str, RadioDevice],
        gateways: Sequence[Gateway],
        emit: Callable[[Event], None],
    ) -> None:
        self._kernel = kernel
        self._devices = devices
        self._gateways = gateways
        self._emit = emit
        self._sessions = Sessions(kernel, devices, gateways, emit)
        self._told: dict[str, int] = {}
        self._watch_budgets()

    def facts(self) -> list[Event]:
        """Everything there is to know, then Ready."""
        devices = [self._device_facts(device) for device in self._devices.values()]
        gateways = [self._gateway_facts(gateway) for gateway in self._gateways]
        return [*devices, *gateways, *self._sessions.facts(), Ready(REGION)]

    def handle(self, command: Command) -> None:
        """Carry out a command; a downlink ends with one Completed or Dropped."""
        match command:
            case SetGroup():
                self._sessions.set_group(command)
            case MulticastDownlink():
                self._start_multicast(command)
            case UnicastDownlink():
                self._unicast(command)

    def uplink(self, device: RadioDevice, frame: Frame) -> None:
        """An uplink has been received."""
        if frame.port == session_setup.PORT:
            self._sessions.acknowledged(device.eui, frame.payload)
        else:
            self._emit(Uplink(device.eui, frame.counter, frame.port, frame.payload))

    def _start_multicast(self, downlink: MulticastDownlink) -> None:
        group = self._sessions.groups.get(downlink.group)
        if group is None:
            self._drop(downlink.id, Drop.UNKNOWN, f"no multicast group {downlink.group} has been set up")
        elif self._acceptable(downlink, group.data_rate):
            run = Multicast(
                downlink, group.address, group.data_rate, list(group.gateways), self._expiry(downlink.lifetime_ms)
            )
            self._next_gateway(run)

    def _next_gateway(self, run: Multicast) -> None:
        """Let the next gateway send; when there is none left, tell how it went."""
        if run.remaining:
            job = Job(
                run.downlink.port,
                run.downlink.payload,
                run.data_rate,
                run.expires,
                sent=partial(self._multicast_sent, run),
                dropped=partial(self._multicast_dropped, run),
                address=run.address,
            )
            self._gateways[run.remaining.pop(0)].submit(job)
        elif run.sent:
            self._emit(Completed(run.downlink.id))
        else:
            self._drop(run.downlink.id, run.reason, _DROPS[run.reason])

    def _multicast_sent(self, run: Multicast, gateway: int, airtime: int) -> None:
        run.sent = True
        self._tell_sent(run.downlink.id, gateway, airtime)
        self._kernel.after(GATEWAY_MARGIN if run.remaining else 0, partial(self._next_gateway, run))

    def _multicast_dropped(self, run: Multicast, reason: Drop) -> None:
        run.reason = reason
        self._next_gateway(run)

    def _unicast(self, downlink: UnicastDownlink) -> None:
        device = self._devices.get(downlink.device)
        if device is None or not device.hearing:
            self._drop(downlink.id, Drop.UNKNOWN, f"no gateway hears a device {downlink.device}")
        elif device.device_class != "C":
            self._drop(downlink.id, Drop.CLASS_A, f"{downlink.device} listens only after an uplink of its own")
        elif self._acceptable(downlink, device.data_rate):
            job = Job(
                downlink.port,
                downlink.payload,
                device.data_rate,
                self._expiry(downlink.lifetime_ms),
                sent=partial(self._unicast_sent, downlink.id),
                dropped=lambda reason: self._drop(downlink.id, reason, _DROPS[reason]),
                device=device.eui,
            )
            self._gateways[device.hearing[0]].submit(job)

    def _unicast_sent(self, downlink_id: str, gateway: int, airtime: int) -> None:
        self._tell_sent(downlink_id, gateway, airtime)
        self._emit(Completed(downlink_id))

    def _expiry(self, lifetime_ms: int) -> int:
        return self._kernel.now + lifetime_ms * 1000

    def _acceptable(self, downlink: Downlink, data_rate: int) -> bool:
        """Whether port and length are allowed; it is dropped if not."""
        length, limit = len(downlink.payload), DATA_RATES[data_rate].max_payload
        if not 1 <= downlink.port < session_setup.PORT:
            self._drop(downlink.id, Drop.REFUSED, f"applications use ports 1 to {session_setup.PORT - 1}")
        elif length > limit:
            sentence = f"{length} bytes exceed the {limit} bytes of data rate {data_rate}"
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
            if self._told.get(gateway.name) != gateway.budget:
                self._emit(self._gateway_facts(gateway))
        self._kernel.after(BUDGET_PERIOD, self._watch_budgets)

    def _gateway_facts(self, gateway: Gateway) -> GatewayFacts:
        self._told[gateway.name] = gateway.budget
        return GatewayFacts(gateway.name, DOWNLINK_BAND.name, gateway.budget)

    def _device_facts(self, device: RadioDevice) -> DeviceFacts:
        return DeviceFacts(
            device.eui,
            device.address,
            device.device_class,
            REGION,
            device.data_rate,
            tuple(self._gateways[index].name for index in device.hearing),
            device.meter.id,
        )
