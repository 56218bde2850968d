"""Confirmable messages (RFC 7252 clause 4.2): sent again until acknowledged, answered, refused or out of time."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from cse.coap.message import MAX_MESSAGE_ID, Message, Type, encode
from cse.coap.target import Endpoint
from cse.network import DeliveryFailed
from cse.timing import Clock

ACK_RANDOM_FACTOR = 1.5
# A question is asked again as a whole, so the single attempt gives up early.
QUESTION_RETRANSMISSIONS = 2


# What an exchange is about: a request to a device by request identifier and AE-ID, or anything else by its token.
Subject = tuple[str, str] | bytes


@dataclass(slots=True)
class Exchange:
    """One confirmable message under way. It is over when it is acknowledged, refused, or its response has come."""

    endpoint: Endpoint
    message_id: int
    subject: Subject
    over: asyncio.Event = field(default_factory=asyncio.Event)
    responded: asyncio.Event = field(default_factory=asyncio.Event)
    refused: bool = False
    response: Message | None = None

    def refuse(self) -> None:
        self.refused = True
        self.over.set()

    def respond(self, response: Message) -> None:
        self.response = response
        self.over.set()
        self.responded.set()


class Exchanges:
    """All confirmable messages under way, found by message ID and by subject; `sign` is applied to each."""

    def __init__(
        self,
        clock: Clock,
        send: Callable[[bytes, Endpoint], None],
        ack_timeout: float,
        max_retransmissions: int,
        sign: Callable[[Message], Message] = lambda message: message,
    ) -> None:
        self._clock = clock
        self._sign = sign
        self._send = send
        self._ack_timeout = ack_timeout
        self._max_retransmissions = max_retransmissions
        self._random = random.Random()  # noqa: S311 - spreads retransmissions, guards nothing
        self._message_id = self._random.randint(0, MAX_MESSAGE_ID)
        self._by_message_id: dict[tuple[Endpoint, int], Exchange] = {}
        self._by_subject: dict[Subject, Exchange] = {}

    def next_message_id(self) -> int:
        self._message_id = self._message_id + 1 & MAX_MESSAGE_ID
        return self._message_id

    async def deliver(
        self, message: Message, endpoint: Endpoint, subject: Subject, deadline: float, sent: Callable[[], None]
    ) -> bool:
        """Send until it is over, or until the deadline, calling `sent` each time; DeliveryFailed when impossible.

        True when it was acknowledged.
        """
        async with self._exchange(endpoint, subject) as exchange:
            await self._transmit(exchange, message, self._max_retransmissions, deadline, sent)
            return exchange.over.is_set()

    async def ask(
        self, message: Message, endpoint: Endpoint, patience: float, sent: Callable[[], None]
    ) -> Message | None:
        """The response to a message, or None; it may follow its acknowledgement within `patience` seconds."""
        async with self._exchange(endpoint, message.token) as exchange:
            retransmissions = min(QUESTION_RETRANSMISSIONS, self._max_retransmissions)
            await self._transmit(exchange, message, retransmissions, math.inf, sent)
            if exchange.over.is_set():
                await self._clock.within(patience, exchange.responded.wait())
            return exchange.response

    @asynccontextmanager
    async def _exchange(self, endpoint: Endpoint, subject: Subject) -> AsyncIterator[Exchange]:
        """Incoming messages find the exchange as long as this lasts."""
        exchange = Exchange(endpoint, self.next_message_id(), subject)
        self._by_message_id[endpoint, exchange.message_id] = exchange
        self._by_subject[subject] = exchange
        try:
            yield exchange
        finally:
            self._by_message_id.pop((endpoint, exchange.message_id), None)
            self._by_subject.pop(subject, None)

    async def _transmit(
        self, exchange: Exchange, message: Message, retransmissions: int, deadline: float, sent: Callable[[], None]
    ) -> None:
        datagram = encode(self._sign(replace(message, type=Type.CON, message_id=exchange.message_id)))
        timeout = self._ack_timeout * self._random.uniform(1, ACK_RANDOM_FACTOR)
        for _ in range(1 + retransmissions):
            try:
                self._send(datagram, exchange.endpoint)
            except OSError as error:
                raise DeliveryFailed(f"cannot send to {exchange.endpoint}: {error}") from error
            sent()
            remaining = deadline - self._clock.now()
            if await self._clock.within(min(timeout, remaining), exchange.over.wait()) or remaining <= timeout:
                break
            timeout *= 2
        if exchange.refused:
            raise DeliveryFailed(f"nothing at {exchange.endpoint} takes CoAP requests", refused=True)

    def acknowledge(self, endpoint: Endpoint, message: Message) -> Exchange | None:
        """An ACK or RST came in: end the exchange it belongs to, and return it."""
        exchange = self._by_message_id.get((endpoint, message.message_id))
        if exchange is None:
            return None
        if message.type is Type.RST:
            exchange.refuse()
        elif message.is_response:
            exchange.respond(message)
        exchange.over.set()
        return exchange

    def respond(self, subject: Subject, message: Message) -> Exchange | None:
        """A response came in that is no acknowledgement: end the exchange with this subject, and return it."""
        exchange = self._by_subject.get(subject)
        if exchange:
            exchange.respond(message)
        return exchange

    def refuse(self, endpoint: Endpoint) -> None:
        """Nobody listens at an address: end all exchanges with it."""
        for exchange in self._by_message_id.values():
            if exchange.endpoint == endpoint:
                exchange.refuse()
