"""Multicast groups as the network server keeps them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from plugins.lora_broadcast.network_server import Membership
from plugins.lora_broadcast.radio.cover import cover
from plugins.lora_broadcast.radio.device import RadioDevice
from plugins.lora_broadcast.radio.session_setup import Deletion, Setup


class Leg(NamedTuple):
    """One transmission that a multicast takes: by this gateway, to the members that listen in this class."""

    gateway: int
    device_class: str


@dataclass(slots=True, eq=False)
class Member:
    """One device of a group: the session it has acknowledged, and what it has to acknowledge next."""

    slot: int
    membership: Membership = Membership.INVITED
    session: Setup | None = None
    request: Setup | Deletion | None = None
    attempts: int = 0


@dataclass(slots=True, eq=False)
class Group:
    """`address` is its McAddr, `counter` the number of the next frame. Legs come in the order of the gateways."""

    name: str
    address: int
    data_rate: int = -1
    counter: int = 0
    legs: tuple[Leg, ...] = ()
    members: dict[str, Member] = field(default_factory=dict)

    def retune(self, devices: Iterable[RadioDevice]) -> None:
        """Data rate and gateways for these members: the slowest decides, and the fewest gateways that cover all."""
        by_class: dict[str, list[RadioDevice]] = {}
        for device in devices:
            by_class.setdefault(session_class(device), []).append(device)
        self.data_rate = min(device.downlink_rate for members in by_class.values() for device in members)
        self.legs = tuple(
            Leg(gateway, device_class)
            for device_class in sorted(by_class, reverse=True)
            for gateway in cover(device.hearing for device in by_class[device_class])
        )


def session_class(device: RadioDevice) -> str:
    """How a device listens to a group: one of class A is switched to class C for that."""
    return "B" if device.device_class == "B" else "C"
