"""Which fan-out targets this CSE listens for, and at which multicast address."""

import re
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import NamedTuple

from cse.coap.target import Endpoint
from cse.errors import JoinMulticastGroupFailed, LeaveMulticastGroupFailed
from cse.network import Membership
from cse.protection import Trust
from plugins.udp_multicast.cses.sockets import GroupSockets
from plugins.udp_multicast.settings import UdpMulticastSettings

_ADDRESS = re.compile(r"([0-9.]+)(?::([0-9]{1,5}))?")


class Meant(NamedTuple):
    """A request is meant for the members of this membership; `tail` is what stands behind the fan-out target."""

    membership: Membership
    tail: str


class Memberships:
    """Found by identifier when they change, by address and fan-out target when a request comes in."""

    def __init__(self, settings: UdpMulticastSettings, sockets: GroupSockets, trust: Trust) -> None:
        self._settings = settings
        self._sockets = sockets
        self._trust = trust
        self._by_identifier: dict[str, tuple[Membership, Endpoint]] = {}
        self._by_target: dict[tuple[Endpoint, str], Membership] = {}

    def __iter__(self) -> Iterator[Membership]:
        return (membership for membership, _ in self._by_identifier.values())

    def join(self, membership: Membership) -> None:
        """As `cse.network.Network.join` says."""
        address = self._address(membership)
        _, former = self._by_identifier.get(membership.identifier, (None, None))
        if address != former:
            self._listen(address)
        if former is not None and former != address:
            try:
                self._sockets.leave(former)
            except OSError as error:
                with suppress(OSError):
                    self._sockets.leave(address)
                raise LeaveMulticastGroupFailed(f"cannot leave {former}: {error}") from error
        self._forget(membership.identifier)
        self._by_identifier[membership.identifier] = membership, address
        self._by_target[address, membership.target] = membership

    def leave(self, identifier: str) -> None:
        """As `cse.network.Network.leave` says."""
        if identifier in self._by_identifier:
            _, address = self._by_identifier[identifier]
            try:
                self._sockets.leave(address)
            except OSError as error:
                raise LeaveMulticastGroupFailed(f"cannot leave {address}: {error}") from error
            self._forget(identifier)

    def find(self, address: Endpoint, to: str) -> Meant | None:
        """Who is meant by a request to `/id-in/segment`, perhaps with a tail, that came to this address."""
        _, cse, segment, *tail = to.split("/")
        membership = self._by_target.get((address, f"/{cse}/{segment}"))
        return None if membership is None else Meant(membership, "/".join(tail))

    def _forget(self, identifier: str) -> None:
        membership, address = self._by_identifier.pop(identifier, (None, None))
        if membership is not None and address is not None:
            self._by_target.pop((address, membership.target), None)

    def _listen(self, address: Endpoint) -> None:
        most = self._settings.max_joined_addresses
        if address not in self._sockets and len(self._sockets) >= most:
            raise JoinMulticastGroupFailed(f"{most} multicast addresses are joined already (max_joined_addresses)")
        try:
            self._sockets.join(address)
        except OSError as error:
            raise JoinMulticastGroupFailed(f"cannot join {address}: {error}") from error

    def _address(self, membership: Membership) -> Endpoint:
        """JoinMulticastGroupFailed for an address that this network, or its operator, has nothing to do with."""
        settings = self._settings
        if refusal := settings.multicast_refusal(self._trust.knows(membership.group_host)):
            raise JoinMulticastGroupFailed(refusal)
        match = _ADDRESS.fullmatch(membership.address)
        try:
            ip = IPv4Address(match[1] if match else membership.address)
        except AddressValueError:
            raise JoinMulticastGroupFailed(f"{membership.address} is no IPv4 address") from None
        if ip not in IPv4Network(settings.joinable_addresses):
            raise JoinMulticastGroupFailed(
                f"{ip} is not within joinable_addresses ({settings.joinable_addresses}) of [{settings.section}]"
            )
        return Endpoint(str(ip), int((match and match[2]) or settings.group_port))
