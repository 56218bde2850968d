"""The UDP socket of this network: made so that the answers of a whole group at once are not lost. Linux only."""

import asyncio
import logging
import select
import socket
import struct
from collections import deque
from collections.abc import Callable

from cse.coap.target import Endpoint

logger = logging.getLogger(__name__)

MAX_ANSWER = 2048
DRAINED_PER_WAKE_UP = 64
HANDLED_PER_SLICE = 16
SEND_ATTEMPTS = 8
# Linux numbers that the socket module does not have.
IP_RECVERR = 11
SO_RCVBUFFORCE = 33
SO_MEMINFO = 55
MEMINFO = struct.Struct("=9I")

Receive = Callable[[bytes, Endpoint], None]


class DatagramSocket:
    """Sends datagrams, and hands over those that come in, a slice of them at a time.

    `received` gets every datagram and its sender, `unreachable` every address where nobody listens, `dropped` the
    number of datagrams lost here since it was last called.
    """

    def __init__(
        self, received: Receive, unreachable: Callable[[Endpoint], None], dropped: Callable[[int], None]
    ) -> None:
        self._received = received
        self._unreachable = unreachable
        self._dropped = dropped
        self._arrived = asyncio.Event()
        self._queue: deque[tuple[bytes, Endpoint]] = deque()
        self._overflowed = 0
        self._drops_reported = 0

    def open(self, interface: str, port: int, receive_buffer: int, queue: int) -> int:
        """Bind to a port of an interface (0, or one that is taken: any free one); the port that it became."""
        self._capacity = queue
        self._socket = _open(interface, port, receive_buffer)
        # An asynchronous error of the socket wakes the outer loop as ordinary input: uvloop would stop at the error.
        self._poll = select.epoll()
        self._poll.register(self._socket.fileno(), select.EPOLLIN)
        asyncio.get_running_loop().add_reader(self._poll.fileno(), self._drain)
        self._task = asyncio.create_task(self._handle())
        return int(self._socket.getsockname()[1])

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._poll.fileno())
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._poll.close()
        self._socket.close()

    def send(self, datagram: bytes, destination: Endpoint) -> None:
        """Send one datagram; OSError when the machine refuses.

        A pending error belongs to an earlier datagram, so it is taken note of and this one is sent after all.
        """
        for _ in range(SEND_ATTEMPTS - 1):
            try:
                self._socket.sendto(datagram, destination)
            except OSError:
                self._take_errors()
            else:
                return
        self._socket.sendto(datagram, destination)

    def _drain(self) -> None:
        """Copy what has come in, and nothing else: the kernel's buffer must be empty before it overflows."""
        for _ in range(DRAINED_PER_WAKE_UP):
            try:
                datagram, sender = self._socket.recvfrom(MAX_ANSWER + 1)
            except BlockingIOError:
                break
            except OSError:
                self._take_errors()
                continue
            if len(self._queue) < self._capacity:
                self._queue.append((datagram, Endpoint(*sender)))
            else:
                self._overflowed += 1
        self._take_errors()
        self._arrived.set()

    def _take_errors(self) -> None:
        while True:
            try:
                _, _, _, destination = self._socket.recvmsg(0, 0, socket.MSG_ERRQUEUE)
            except OSError:
                return
            self._unreachable(Endpoint(*destination))

    async def _handle(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._queue:
                for _ in range(min(HANDLED_PER_SLICE, len(self._queue))):
                    self._hand_over(*self._queue.popleft())
                await asyncio.sleep(0)
            self._report_drops()

    def _hand_over(self, datagram: bytes, sender: Endpoint) -> None:
        try:
            self._received(datagram, sender)
        except Exception:
            logger.exception("a datagram from %s could not be handled", sender)

    def _report_drops(self) -> None:
        drops = _kernel_drops(self._socket) + self._overflowed
        if drops > self._drops_reported:
            self._dropped(drops - self._drops_reported)
            self._drops_reported = drops


def _open(interface: str, port: int, receive_buffer: int) -> socket.socket:
    endpoint = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    endpoint.setblocking(False)
    # By address: given the index of the interface, Linux would send from another interface's address.
    endpoint.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
    endpoint.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
    endpoint.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    enlarge_receive_buffer(endpoint, receive_buffer)
    try:
        endpoint.bind((interface, port))
    except OSError:
        endpoint.bind((interface, 0))
    return endpoint


def enlarge_receive_buffer(endpoint: socket.socket, wanted: int) -> None:
    """Ask for a receive buffer, as a privileged user if we are one; a warning when the kernel gives less."""
    try:
        endpoint.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, wanted)
    except PermissionError:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, wanted)
    # The kernel doubles the value, for its own book-keeping.
    given = endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
    if given < wanted:
        logger.warning(
            "the receive buffer is %d bytes, not %d: answers of large groups may be lost; raise net.core.rmem_max",
            given,
            wanted,
        )


def _kernel_drops(endpoint: socket.socket) -> int:
    """How many datagrams the kernel has thrown away because the receive buffer was full."""
    return int(MEMINFO.unpack(endpoint.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMINFO.size))[-1])
