import asyncio
import itertools
from collections.abc import Callable

import pytest

from cse.coap.message import EMPTY, POST, Message, Type, code, decode
from cse.coap.target import Endpoint
from cse.network import DeliveryFailed
from cse.testing.clock import ManualClock, settle
from plugins.udp_multicast.exchanges import Exchanges

DEVICE = Endpoint("127.7.0.1", 5683)
SUBJECT = ("r-1", "Ca")
REQUEST = Message(Type.NON, POST, 0, b"token", (), b"x")
FOREVER = 10_000.0


class Wire:
    """What was sent, with the times, and the exchanges that sent it."""

    def __init__(self) -> None:
        self.clock = ManualClock(0.0)
        self.sent: list[tuple[float, Message]] = []
        self.exchanges = Exchanges(self.clock, self.send, ack_timeout=2.0, max_retransmissions=4)
        self.counted = 0

    def send(self, datagram: bytes, endpoint: Endpoint) -> None:
        assert endpoint == DEVICE
        self.sent.append((self.clock.now(), decode(datagram)))

    def count(self) -> None:
        self.counted += 1

    async def deliver(self, deadline: float = FOREVER) -> "asyncio.Task[bool]":
        task = asyncio.create_task(self.exchanges.deliver(REQUEST, DEVICE, SUBJECT, deadline, self.count))
        await settle()
        return task

    def reply(self, message_type: Type, message_code: int = EMPTY) -> Message:
        token = b"" if message_code == EMPTY else REQUEST.token
        return Message(message_type, message_code, self.sent[-1][1].message_id, token)


async def test_a_silent_device_is_sent_to_five_times_at_doubling_intervals() -> None:
    wire = Wire()
    task = await wire.deliver()
    await wire.clock.advance(100)
    assert task.done()
    assert task.result() is False
    times = [moment for moment, _ in wire.sent]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(times) == wire.counted == 5
    assert 2.0 <= pauses[0] <= 3.0
    assert pauses == pytest.approx([pauses[0] * factor for factor in (1, 2, 4, 8)])
    assert len({message for _, message in wire.sent}) == 1
    assert wire.sent[0][1].type is Type.CON


async def test_the_deadline_ends_it() -> None:
    wire = Wire()
    task = await wire.deliver(deadline=4.0)
    await wire.clock.advance(4.0)
    assert task.done()
    assert wire.counted == 2


@pytest.mark.parametrize("message_code", [EMPTY, code(2, 4)])
async def test_an_acknowledgement_ends_it(message_code: int) -> None:
    wire = Wire()
    task = await wire.deliver()
    exchange = wire.exchanges.acknowledge(DEVICE, wire.reply(Type.ACK, message_code))
    assert await task is True
    assert exchange
    assert exchange.subject == SUBJECT
    assert wire.counted == 1


async def test_a_response_of_its_own_ends_it() -> None:
    wire = Wire()
    task = await wire.deliver()
    assert wire.exchanges.respond(SUBJECT, wire.reply(Type.NON, code(2, 4)))
    await task
    assert wire.counted == 1


@pytest.mark.parametrize(
    "refuse",
    [
        lambda wire: wire.exchanges.acknowledge(DEVICE, wire.reply(Type.RST)),
        lambda wire: wire.exchanges.refuse(DEVICE),
    ],
)
async def test_a_refusal_fails_it(refuse: Callable[[Wire], None]) -> None:
    wire = Wire()
    task = await wire.deliver()
    refuse(wire)
    with pytest.raises(DeliveryFailed, match=r"127\.7\.0\.1:5683") as failure:
        await task
    assert failure.value.refused


async def test_what_belongs_to_no_exchange_changes_nothing() -> None:
    wire = Wire()
    task = await wire.deliver()
    stranger = Endpoint("127.7.0.2", 5683)
    assert wire.exchanges.acknowledge(stranger, wire.reply(Type.ACK)) is None
    assert wire.exchanges.respond(("r-2", "Ca"), wire.reply(Type.NON, code(2, 4))) is None
    wire.exchanges.refuse(stranger)
    await settle()
    assert not task.done()
    wire.exchanges.acknowledge(DEVICE, wire.reply(Type.ACK))
    await task


async def test_a_machine_that_refuses_to_send() -> None:
    def fail(datagram: bytes, endpoint: Endpoint) -> None:
        raise OSError("network is down")

    exchanges = Exchanges(ManualClock(), fail, ack_timeout=2.0, max_retransmissions=4)
    with pytest.raises(DeliveryFailed, match="network is down") as failure:
        await exchanges.deliver(REQUEST, DEVICE, SUBJECT, FOREVER, lambda: None)
    assert not failure.value.refused


async def test_a_question_waits_for_a_response_after_its_acknowledgement() -> None:
    wire = Wire()
    task = asyncio.create_task(wire.exchanges.ask(REQUEST, DEVICE, 10.0, wire.count))
    await settle()
    wire.exchanges.acknowledge(DEVICE, wire.reply(Type.ACK))
    await wire.clock.advance(5)
    response = wire.reply(Type.CON, code(2, 1))
    wire.exchanges.respond(REQUEST.token, response)
    assert await task is response
    assert wire.counted == 1


async def test_a_question_that_is_only_acknowledged_has_no_response() -> None:
    wire = Wire()
    task = asyncio.create_task(wire.exchanges.ask(REQUEST, DEVICE, 10.0, wire.count))
    await settle()
    wire.exchanges.acknowledge(DEVICE, wire.reply(Type.ACK))
    await wire.clock.advance(10)
    assert await task is None
