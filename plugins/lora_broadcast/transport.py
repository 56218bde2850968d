"""Carries requests to the network server: in one frame, or in fragments with parity and repair."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cse.network import DeliveryFailed
from plugins.lora_broadcast.fragments import PORT, Block, Malformed, StatusRequest, decode_status
from plugins.lora_broadcast.frames import ROUNDS, SETUPS, parity_count, report_seconds
from plugins.lora_broadcast.network_server import Drop, Uplink

# Parity is sparse: two fragments more than the worst device lacks are nearly always enough.
RESERVE = 2

# Sends one frame: port and payload.
Send = Callable[[int, bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Message:
    """A request on the air: `campaign` is its number, `room` what a frame takes, `device` "" for a multicast.

    In fragments the first byte is the port of the whole.

    `delay` is the back-off exponent of reports from devices that lack fragments.
    """

    campaign: int
    port: int
    payload: bytes
    room: int
    device: str = ""
    delay: int = 0


class Transport:
    """`sleep` waits for so many radio seconds; a request may be cut into `most` fragments."""

    def __init__(self, most: int, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._most = most
        self._sleep = sleep
        self._missing: dict[tuple[int, str], int] = {}
        self._locks: defaultdict[tuple[int, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def carry(self, message: Message, send: Send) -> None:
        """Return when everything has been sent; DeliveryFailed if it is too long, or as soon as `send` raises it."""
        if len(message.payload) <= message.room:
            await send(message.port, message.payload)
            return
        block = Block(message.campaign, bytes([message.port]) + message.payload, message.room)
        if block.setup.count > self._most:
            sentence = f"{len(message.payload)} bytes need {block.setup.count} fragments; max_fragments is {self._most}"
            raise DeliveryFailed(f"{Drop.PAYLOAD_TOO_LARGE.value}: {sentence}")
        key = block.setup.session, message.device
        async with self._locks[key]:
            await self._send_block(block, send)
            await self._repair(block, key, message.delay, send)

    def learn(self, uplink: Uplink) -> None:
        """A device reports that it lacks fragments."""
        try:
            status = decode_status(uplink.payload)
        except Malformed:
            return
        for key in ((status.session, uplink.device), (status.session, "")):
            if key in self._missing:
                self._missing[key] = max(self._missing[key], status.missing)

    async def _send_block(self, block: Block, send: Send) -> None:
        setup = block.setup
        for _ in range(SETUPS):
            await send(PORT, setup.encode())
        await self._send_fragments(block, 1, setup.count + parity_count(setup.count), send)

    async def _send_fragments(self, block: Block, first: int, last: int, send: Send) -> None:
        for number in range(first, last + 1):
            await send(PORT, block.fragment(number).encode())

    async def _repair(self, block: Block, key: tuple[int, str], delay: int, send: Send) -> None:
        """Ask for reports; as many more fragments as the worst device lacks help everybody."""
        setup = block.setup
        last = setup.count + parity_count(setup.count)
        for _ in range(ROUNDS):
            self._missing[key] = 0
            await send(PORT, StatusRequest(setup.session, delay).encode())
            await self._sleep(report_seconds(delay))
            missing = self._missing.pop(key)
            if not missing:
                return
            more = min(missing, setup.count) + RESERVE
            await self._send_fragments(block, last + 1, last + more, send)
            last += more
