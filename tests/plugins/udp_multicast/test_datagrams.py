"""The socket: what it loses, and what it says of it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvloop

from cse.coap.target import Endpoint
from plugins.udp_multicast.datagrams import DatagramSocket, enlarge_receive_buffer

LOOPBACK = "127.0.0.1"
CLOSED = Endpoint("127.7.99.3", 9)


class Receiver:
    """A socket that notes everything."""

    def __init__(self, receive_buffer: int = 1 << 20, queue: int = 1000) -> None:
        self.received: list[tuple[bytes, Endpoint]] = []
        self.unreachable: list[Endpoint] = []
        self.dropped = 0
        self.changed = asyncio.Event()
        self.fails = False
        self.endpoint = DatagramSocket(self.receive, self.fail, self.drop)
        self.port = self.endpoint.open(LOOPBACK, 0, receive_buffer, queue)

    def receive(self, datagram: bytes, sender: Endpoint) -> None:
        self.received.append((datagram, sender))
        self.changed.set()
        if self.fails:
            raise RuntimeError("a mistake of ours")

    def fail(self, destination: Endpoint) -> None:
        self.unreachable.append(destination)
        self.changed.set()

    def drop(self, count: int) -> None:
        self.dropped += count
        self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    created = Receiver()
    yield created
    await created.endpoint.close()


@contextmanager
def sender() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind((LOOPBACK, 0))
        yield opened


def send(opened: socket.socket, receiver: Receiver, count: int, datagram: bytes = b"x" * 100) -> None:
    for _ in range(count):
        opened.sendto(datagram, (LOOPBACK, receiver.port))


async def test_datagrams_come_with_their_sender(receiver: Receiver) -> None:
    with sender() as opened:
        send(opened, receiver, 300)
        await receiver.until(lambda: len(receiver.received) == 300)
        assert set(receiver.received) == {(b"x" * 100, Endpoint(LOOPBACK, opened.getsockname()[1]))}
    assert receiver.dropped == 0


async def test_what_the_kernel_drops_is_counted() -> None:
    receiver = Receiver(receive_buffer=8192)
    with sender() as opened:
        send(opened, receiver, 500)
        await receiver.until(lambda: receiver.dropped > 0)
        assert len(receiver.received) + receiver.dropped == 500
        before = receiver.dropped
        send(opened, receiver, 1)
        await receiver.until(lambda: len(receiver.received) + receiver.dropped == 501)
        assert receiver.dropped == before
    await receiver.endpoint.close()


async def test_what_does_not_fit_the_queue_is_counted() -> None:
    receiver = Receiver(queue=10)
    with sender() as opened:
        send(opened, receiver, 50)
        await receiver.until(lambda: len(receiver.received) + receiver.dropped == 50)
    assert (len(receiver.received), receiver.dropped) == (10, 40)
    await receiver.endpoint.close()


async def test_a_mistake_with_one_datagram_does_not_end_it(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.fails = True
    with sender() as opened:
        send(opened, receiver, 2)
        await receiver.until(lambda: len(receiver.received) == 2)
    assert [record.message for record in caplog.records if "could not be handled" in record.message]


async def closed_ports_are_reported() -> None:
    receiver = Receiver()
    with sender() as opened:
        open_one = Endpoint(*opened.getsockname())
        for _ in range(5):
            receiver.endpoint.send(b"to nobody", CLOSED)
            receiver.endpoint.send(b"to somebody", open_one)
        assert [opened.recv(99) for _ in range(5)] == [b"to somebody"] * 5
        await receiver.until(lambda: len(receiver.unreachable) == 5)
        assert set(receiver.unreachable) == {CLOSED}
        # Errors are over with: what comes in afterwards still gets in.
        send(opened, receiver, 3)
        await receiver.until(lambda: len(receiver.received) == 3)
    await receiver.endpoint.close()


async def test_closed_ports_are_reported() -> None:
    await closed_ports_are_reported()


def test_closed_ports_are_reported_with_the_event_loop_of_the_server() -> None:
    uvloop.run(closed_ports_are_reported())


async def test_a_port_that_is_taken_is_replaced(receiver: Receiver) -> None:
    other = DatagramSocket(receiver.receive, receiver.fail, receiver.drop)
    assert other.open(LOOPBACK, receiver.port, 65536, 10) != receiver.port
    await other.close()


async def test_what_the_machine_refuses_to_send(receiver: Receiver) -> None:
    with pytest.raises(OSError, match="too long"):
        receiver.endpoint.send(bytes(70_000), CLOSED)


class Unprivileged(socket.socket):
    """A socket of a user who may not exceed the machine's limits."""

    def setsockopt(self, level: int, option: int, *value: Any) -> None:
        if option != socket.SO_RCVBUF:
            raise PermissionError
        super().setsockopt(level, option, *value)


def test_a_small_receive_buffer_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with Unprivileged(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        enlarge_receive_buffer(opened, 1 << 30)
    assert "raise net.core.rmem_max" in caplog.text
    caplog.clear()
    with Unprivileged(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        enlarge_receive_buffer(opened, 65536)
    assert caplog.text == ""
