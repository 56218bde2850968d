"""The network server's door: JSON lines over TCP, and virtual time paced by a clock."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cse.timing import Clock
from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.network_server import Event, MulticastDownlink, SetGroup, UnicastDownlink
from plugins.lora_broadcast.radio.simulation import Simulation
from plugins.lora_broadcast.wire import LONGEST_LINE, Malformed, decode, encode

log = logging.getLogger(__name__)

# How often virtual time catches up, in seconds of the clock.
TICK = 0.02
# Events that are worked off before connections get their turn.
SLICE = 5000
MOST_UNSENT = 64 * 1024 * 1024
MOST_CLIENTS = 16


class Door:
    """Serves a simulation in which `speed` seconds pass in one of the clock. Every client is told every event."""

    def __init__(self, simulation: Simulation, speed: float, clock: Clock) -> None:
        self._simulation = simulation
        self._speed = speed
        self._clock = clock
        self._clients: set[asyncio.StreamWriter] = set()
        simulation.receive = self._tell

    @asynccontextmanager
    async def open(self, host: str, port: int) -> AsyncIterator[int]:
        """Listen inside the block, which is told the port; time stands still until `let_time_pass`."""
        server = await asyncio.start_server(self._welcome, host, port, limit=LONGEST_LINE)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for client in list(self._clients):
                client.transport.abort()

    async def let_time_pass(self) -> None:
        """Keep virtual time at its multiple of the clock's, until cancelled.

        When the machine is too slow it falls behind; nothing is left out.
        """
        kernel, began = self._simulation.kernel, self._clock.now()
        origin = kernel.now
        while True:
            due = origin + int((self._clock.now() - began) * self._speed * SECOND)
            finished = kernel.run(due, SLICE)
            await self._clock.sleep(TICK if finished else 0)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client: the facts, then events; its commands are carried out as they come."""
        try:
            if len(self._clients) < MOST_CLIENTS:
                writer.writelines(encode(event) for event in self._simulation.facts())
                self._clients.add(writer)
                await self._obey(reader)
        except (OSError, ValueError, Malformed) as error:
            log.warning("a client is disconnected: %s", error)
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _obey(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            command = decode(line)
            if not isinstance(command, SetGroup | MulticastDownlink | UnicastDownlink):
                raise Malformed("a client has sent an event")
            self._simulation.handle(command)

    def _tell(self, event: Event) -> None:
        line = encode(event)
        for client in list(self._clients):
            if client.transport.get_write_buffer_size() > MOST_UNSENT:
                log.warning("a client that does not read is disconnected")
                client.transport.abort()
            else:
                client.write(line)
