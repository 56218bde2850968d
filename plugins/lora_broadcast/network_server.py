"""What this plugin needs from a LoRaWAN network server, and nothing else.

Two kinds of messages: commands go to the network server, events come from it. `client.SocketNetworkServer` speaks them
to the simulator; an adapter for another network server is another `NetworkServer`. Devices are named by their DevEUI
(16 lower-case hexadecimal digits), groups by the resource identifier of the `<group>`, gateways by their own names.
Payloads are application payloads; data rates are numbers of the region's table; airtimes are microseconds of one
gateway.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from plugins.lora_broadcast.airtime import SECOND

# What a network server is expected to keep to, in microseconds. Between two gateways that send the same multicast one
# after the other, so that no device hears both at a time:
GATEWAY_MARGIN = SECOND
# After a unicast its gateway listens for the answer before it transmits again:
LISTENING_PAUSE = 6 * SECOND


class Drop(StrEnum):
    """Why a downlink was not sent."""

    DUTY_CYCLE = "DUTY_CYCLE"
    EXPIRED = "EXPIRED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    UNKNOWN = "UNKNOWN"
    QUEUE_FULL = "QUEUE_FULL"
    REPEATED = "REPEATED"
    REFUSED = "REFUSED"
    DISCONNECTED = "DISCONNECTED"


class Membership(StrEnum):
    """Where the set-up of a device's multicast session stands.

    Invited: the set-up has been sent and not acknowledged, so the device may hear the group. Leaving: its deletion has
    not been acknowledged, so the device may still hear it. Gone: it cannot.
    """

    INVITED = "invited"
    JOINED = "joined"
    LEAVING = "leaving"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class SetGroup:
    """Command: a multicast group has exactly these devices; set up and tear down their sessions. Empty: delete it.

    Devices of class A are left out unless they are to be switched to class C for it.
    """

    group: str
    devices: tuple[str, ...]
    switch_class_a: bool = False


@dataclass(frozen=True, slots=True)
class MulticastDownlink:
    """Command: send to a group, once from every gateway that is needed to cover it, within so many milliseconds."""

    id: str
    group: str
    port: int
    payload: bytes
    lifetime_ms: int


@dataclass(frozen=True, slots=True)
class UnicastDownlink:
    """Command: send to one device, when its class allows, within so many milliseconds."""

    id: str
    device: str
    port: int
    payload: bytes
    lifetime_ms: int


@dataclass(frozen=True, slots=True)
class Ready:
    """Event: everything that the network server knows has been told; from now on events tell what changes."""

    region: str


@dataclass(frozen=True, slots=True)
class Offline:
    """Event: the network server cannot be reached; what it told before is void."""

    sentence: str


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """Event: a device as the network server knows it.

    `address` is its DevAddr, `data_rate` that of its latest uplink, `gateways` those that heard it, best first. `tag`
    is the AE-ID that the operator has entered there for the device, "" for none. It sends every `uplink_interval_s`
    seconds, as far as is known.
    """

    device: str
    address: int
    device_class: str
    region: str
    data_rate: int
    gateways: tuple[str, ...]
    tag: str
    uplink_interval_s: int


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """Event: a multicast to this group takes one transmission of each of these gateways at this data rate.

    A gateway is named twice if it sends once for devices of class C and once for those of class B. Each transmission
    waits up to `slot_ms` for a ping slot. `address` is the group's McAddr.
    """

    group: str
    data_rate: int
    gateways: tuple[str, ...]
    address: int = 0
    slot_ms: int = 0


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """Event: the multicast session of one device."""

    group: str
    device: str
    membership: Membership


@dataclass(frozen=True, slots=True)
class GatewayFacts:
    """Event: how much airtime a gateway has left in this hour in the sub-band of the downlinks."""

    gateway: str
    band: str
    budget_us: int


@dataclass(frozen=True, slots=True)
class SetupSent:
    """Event: a gateway has sent something for the set-up of a group."""

    group: str
    gateway: str
    airtime_us: int


@dataclass(frozen=True, slots=True)
class Sent:
    """Event: a gateway has sent a downlink."""

    id: str
    gateway: str
    airtime_us: int


@dataclass(frozen=True, slots=True)
class Queued:
    """Event: a downlink waits for the next uplink of its device, which listens only after that."""

    id: str


@dataclass(frozen=True, slots=True)
class Completed:
    """Event: a downlink has been sent by all gateways that could."""

    id: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """Event: no gateway has sent the downlink."""

    id: str
    reason: Drop
    sentence: str


@dataclass(frozen=True, slots=True)
class Uplink:
    """Event: an application payload of a device, authenticated by its session key, each frame once."""

    device: str
    counter: int
    port: int
    payload: bytes


Downlink = MulticastDownlink | UnicastDownlink
Command = SetGroup | Downlink
Event = (
    Ready
    | Offline
    | DeviceFacts
    | GroupFacts
    | MemberFacts
    | GatewayFacts
    | SetupSent
    | Sent
    | Queued
    | Completed
    | Dropped
    | Uplink
)


class NetworkServer(ABC):
    """A LoRaWAN network server. Everything is called from one event loop."""

    @abstractmethod
    async def start(self, receive: Callable[[Event], None]) -> None:
        """Get connected in the background; hand every event to `receive`, facts first, then Ready."""

    @abstractmethod
    async def stop(self) -> None:
        """Disconnect."""

    @abstractmethod
    def send(self, command: Command) -> None:
        """Pass on a command; without a connection a downlink is answered with Dropped, anything else is lost."""


class NoNetworkServer(NetworkServer):
    """Stands where none is configured: always offline, for this reason."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence
        self._receive: Callable[[Event], None] = lambda event: None

    async def start(self, receive: Callable[[Event], None]) -> None:
        self._receive = receive
        receive(Offline(self._sentence))

    async def stop(self) -> None:
        pass

    def send(self, command: Command) -> None:
        if not isinstance(command, SetGroup):
            self._receive(Dropped(command.id, Drop.DISCONNECTED, self._sentence))
