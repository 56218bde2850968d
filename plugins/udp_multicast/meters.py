"""Thousands of simulated meters on one socket, each with an address of its own. Linux only."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from types import MappingProxyType

from cse.coap.message import POST, CoapError, Message, Type, decode
from cse.coap.target import DEFAULT_PORT, Endpoint
from cse.primitive import Response, error_response
from cse.protection import Secret, Trust
from cse.protection.trust import NOBODY
from cse.testing.device import SimulatedDevice
from cse.timing import Clock, SystemClock
from plugins.udp_multicast.datagrams import enlarge_receive_buffer
from plugins.udp_multicast.guard import Guard
from plugins.udp_multicast.listeners import Listeners
from plugins.udp_multicast.member import Listening, Member
from plugins.udp_multicast.messages import DeviceRequest, Membership
from plugins.udp_multicast.outbox import Outbox

RECEIVE_BUFFER = 4 * 1024 * 1024
MAX_REQUEST = 2048
READ_PER_WAKE_UP = 64
MEMBERS_PER_SLICE = 200
IP_PKTINFO = 8
PKTINFO = struct.Struct("=i4s4s")
JOIN_FAILED = 5216
LOOPBACK = "127.0.0.1"


class UdpMeters:
    """CoAP devices at addresses from `base` on, all on one UDP port (0 for a free one).

    They hear multicasts at `interface`, an IPv4 address; at one of loopback they listen to this machine only. Addresses
    beyond loopback must be routed here (`ip route add local 10.8.0.0/16 dev lo`).
    `wrong_address` is how often an answer is sent from a stranger's address; all other faults are the devices'. Their
    `trust` is in whose signatures they want to see, nobody's by default; `secrets` are by AE-ID.
    """

    def __init__(
        self,
        devices: Sequence[SimulatedDevice],
        *,
        port: int = DEFAULT_PORT,
        base: str = "127.7.0.1",
        interface: str = LOOPBACK,
        clock: Clock | None = None,
        wrong_address: float = 0.0,
        trust: Trust = NOBODY,
        secrets: Mapping[str, Secret] = MappingProxyType({}),
    ) -> None:
        self.port = port
        self._clock = clock or SystemClock()
        self.wrong_address = wrong_address
        first = int(IPv4Address(base))
        self._stranger = str(IPv4Address(first + len(devices)))
        self._by_ip: dict[str, Member] = {}
        self._by_device: dict[str, Member] = {}
        for index, device in enumerate(devices):
            guard = Guard(trust, secrets.get(device.id))
            member = Member(device, str(IPv4Address(first + index)), devices[index - 1].id, guard)
            self._by_ip[member.ip] = self._by_device[device.id] = member
        self._listeners = Listeners(interface)
        self._hears_others = not IPv4Address(interface).is_loopback
        self._outbox = Outbox(self._clock, self._send)

    def points_of_access(self, device: SimulatedDevice) -> list[str]:
        """The `poa` of a device."""
        return [f"coap://{self._by_device[device.id].ip}:{self.port}"]

    def listens(self, device: SimulatedDevice) -> bool:
        """Whether the device is a member of any multicast group."""
        return bool(self._by_device[device.id].groups)

    def forget(self, device: SimulatedDevice) -> None:
        """The device restarts: it knows of no group any more."""
        member = self._by_device[device.id]
        for address in member.groups:
            self._listeners.remove(address, member)
        member.restart()

    def provision(self, address: Endpoint, cse_id: str, segment: str, window: float) -> None:
        """Make all meters members of a group, as if they had been set up before."""
        for device, member in self._by_device.items():
            self._listeners.add(str(address), member)
            member.join(Listening(Membership(cse_id, device, str(address), segment, window), ""))

    async def start(self) -> None:
        """Open the socket; OSError when the port is taken."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        enlarge_receive_buffer(self._socket, RECEIVE_BUFFER)
        try:
            self._socket.bind(("0.0.0.0", self.port))  # noqa: S104 - the meters' addresses and multicast groups at once
        except OSError:
            self._socket.close()
            raise
        self.port = self._socket.getsockname()[1]
        self._arrived: asyncio.Queue[tuple[bytes, str, Endpoint]] = asyncio.Queue()
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)
        self._tasks = [asyncio.create_task(self._handle()), asyncio.create_task(self._outbox.run())]

    async def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._listeners.close()
        self._socket.close()

    def _read(self) -> None:
        for _ in range(READ_PER_WAKE_UP):
            try:
                datagram, control, _, source = self._socket.recvmsg(MAX_REQUEST, socket.CMSG_SPACE(PKTINFO.size))
            except BlockingIOError:
                return
            _, _, destination = PKTINFO.unpack(control[0][2])
            self._arrived.put_nowait((datagram, socket.inet_ntoa(destination), Endpoint(*source)))

    async def _handle(self) -> None:
        while True:
            datagram, destination, source = await self._arrived.get()
            try:
                message = decode(datagram)
                if message.type not in (Type.CON, Type.NON) or not self._heeds(source):
                    continue
                if destination in self._by_ip:
                    self._unicast(self._by_ip[destination], message, source)
                else:
                    await self._multicast(message, source, destination)
            except CoapError:
                continue

    def _heeds(self, source: Endpoint) -> bool:
        return self._hears_others or IPv4Address(source.ip).is_loopback

    def _unicast(self, member: Member, message: Message, source: Endpoint) -> None:
        if member.device.hears():
            for datagram in member.unicast(message, source, self._clock.now(), self._set_up):
                self._send(datagram, self._sender(member), source)

    async def _multicast(self, message: Message, source: Endpoint, destination: str) -> None:
        address = f"{destination}:{self.port}"
        members = self._listeners.members(address)
        for start in range(0, len(members), MEMBERS_PER_SLICE):
            now = self._clock.now()
            for member in members[start : start + MEMBERS_PER_SLICE]:
                delay, answers = member.multicast(message, source, address, now)
                for datagram in answers:
                    self._outbox.put(now + delay, datagram, self._sender(member), source)
            await asyncio.sleep(0)

    def _sender(self, member: Member) -> str:
        """The address that an answer comes from."""
        return self._stranger if member.device.random.random() < self.wrong_address else member.ip

    def _set_up(self, member: Member, request: DeviceRequest) -> Response:
        if request.code != POST:
            address, response = member.leave(request)
            if address:
                self._listeners.remove(address, member)
            return response
        try:
            membership = Membership.read(request)
            if Endpoint.parse(membership.address).port != self.port:
                return error_response(JOIN_FAILED, f"this device listens on port {self.port} only")
            self._listeners.add(membership.address, member)
        except (CoapError, OSError, ValueError) as error:
            return error_response(JOIN_FAILED, f"cannot join: {error}")
        return member.join(Listening(membership, request.originating_timestamp))

    def _send(self, datagram: bytes, sender: str, destination: Endpoint) -> None:
        control = PKTINFO.pack(0, socket.inet_aton(sender), bytes(4))
        # What cannot be sent is lost, as on any medium.
        with contextlib.suppress(OSError):
            self._socket.sendmsg([datagram], [(socket.IPPROTO_IP, IP_PKTINFO, control)], 0, destination)
