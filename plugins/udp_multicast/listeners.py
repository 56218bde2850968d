"""Which simulated meters listen to which multicast address, and the sockets that have joined it for them."""

import socket

from cse.coap.target import Endpoint
from plugins.udp_multicast.member import Member

# What Linux allows. A group that any socket of the machine has joined reaches all sockets bound to 0.0.0.0.
GROUPS_PER_SOCKET = 20


class Listeners:
    """Meters by the multicast address (`<ip>:<port>`) they listen to, at an interface with this IPv4 address."""

    def __init__(self, interface: str) -> None:
        self._interface = socket.inet_aton(interface)
        self._members: dict[str, dict[str, Member]] = {}
        self._sockets: list[tuple[socket.socket, set[str]]] = []

    def members(self, address: str) -> list[Member]:
        return list(self._members.get(address, {}).values())

    def add(self, address: str, member: Member) -> None:
        """One more; OSError when the address cannot be joined."""
        if address not in self._members:
            self._join(address)
        self._members.setdefault(address, {})[member.device.id] = member

    def remove(self, address: str, member: Member) -> None:
        """One less; the address is left with the last one."""
        members = self._members[address]
        del members[member.device.id]
        if not members:
            del self._members[address]
            self._leave(address)

    def close(self) -> None:
        for joined, _ in self._sockets:
            joined.close()
        self._sockets.clear()
        self._members.clear()

    def _join(self, address: str) -> None:
        joined, addresses = next((pair for pair in self._sockets if len(pair[1]) < GROUPS_PER_SOCKET), (None, set()))
        if joined is None:
            joined = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._sockets.append((joined, addresses))
        joined.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, self._request(address))
        addresses.add(address)

    def _leave(self, address: str) -> None:
        for joined, addresses in self._sockets:
            if address in addresses:
                joined.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, self._request(address))
                addresses.remove(address)

    def _request(self, address: str) -> bytes:
        return socket.inet_aton(Endpoint.parse(address).ip) + self._interface
