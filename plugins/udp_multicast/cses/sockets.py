"""The sockets on which a CSE hears what is sent to multicast addresses. Linux only."""

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass

from cse.coap.target import Endpoint
from plugins.udp_multicast.datagrams import enlarge_receive_buffer

logger = logging.getLogger(__name__)

MAX_REQUEST = 8192
READ_PER_WAKE_UP = 64
RECEIVE_BUFFER = 256 * 1024
IP_MULTICAST_ALL = 49  # Linux; the socket module does not have it

Heard = Callable[[bytes, Endpoint, Endpoint], None]


@dataclass(slots=True)
class _Ear:
    socket: socket.socket
    users: int = 0


class GroupSockets:
    """One socket for each address, bound to it, so that it hears nothing else; it lasts as long as it has users.

    `heard` gets each datagram, its sender, and the address that it was sent to.
    """

    def __init__(self, interface: str, heard: Heard) -> None:
        self._interface = socket.inet_aton(interface)
        self.heard = heard
        self._ears: dict[Endpoint, _Ear] = {}

    def __len__(self) -> int:
        return len(self._ears)

    def __contains__(self, address: Endpoint) -> bool:
        return address in self._ears

    def join(self, address: Endpoint) -> None:
        """One more user; OSError when the address can't be joined."""
        if address not in self._ears:
            ear = _Ear(self._open(address))
            self._ears[address] = ear
            asyncio.get_running_loop().add_reader(ear.socket.fileno(), self._read, ear.socket, address)
        self._ears[address].users += 1

    def leave(self, address: Endpoint) -> None:
        """One user less; OSError when the address can't be left, which then has as many as before."""
        ear = self._ears[address]
        if ear.users == 1:
            self._request(ear.socket, socket.IP_DROP_MEMBERSHIP, address)
            self._close(address)
        else:
            ear.users -= 1

    def close(self) -> None:
        for address in list(self._ears):
            self._close(address)

    def _open(self, address: Endpoint) -> socket.socket:
        ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            ear.setblocking(False)
            # Other servers of this machine may listen to the same group.
            ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ear.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
            enlarge_receive_buffer(ear, RECEIVE_BUFFER)
            ear.bind(address)
            self._request(ear, socket.IP_ADD_MEMBERSHIP, address)
        except OSError:
            ear.close()
            raise
        return ear

    def _request(self, ear: socket.socket, option: int, address: Endpoint) -> None:
        ear.setsockopt(socket.IPPROTO_IP, option, socket.inet_aton(address.ip) + self._interface)

    def _close(self, address: Endpoint) -> None:
        ear = self._ears.pop(address)
        asyncio.get_running_loop().remove_reader(ear.socket.fileno())
        ear.socket.close()

    def _read(self, ear: socket.socket, address: Endpoint) -> None:
        for _ in range(READ_PER_WAKE_UP):
            try:
                datagram, sender = ear.recvfrom(MAX_REQUEST + 1)
            except OSError:
                return
            try:
                self.heard(datagram, Endpoint(*sender), address)
            except Exception:
                logger.exception("a datagram from %s to %s could not be handled", sender, address)
