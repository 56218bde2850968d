"""The network server at the other end of a TCP connection that carries JSON lines."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from cse.timing import Clock
from plugins.lora_broadcast.network_server import (
    Command,
    Drop,
    Dropped,
    Event,
    MulticastDownlink,
    NetworkServer,
    Offline,
    SetGroup,
    UnicastDownlink,
)
from plugins.lora_broadcast.wire import LONGEST_LINE, Malformed, decode, encode

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
# Above this many unsent bytes the other end is not reading; downlinks are then dropped.
MOST_UNSENT = 16 * 1024 * 1024
HANDLED_PER_SLICE = 50


class SocketNetworkServer(NetworkServer):
    """Connects to `host:port`, again and again with growing pauses of `clock`."""

    def __init__(self, host: str, port: int, clock: Clock) -> None:
        self._host = host
        self._port = port
        self._clock = clock
        self._receive: Callable[[Event], None] = lambda event: None
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, receive: Callable[[Event], None]) -> None:
        self._receive = receive
        self._task = asyncio.create_task(self._stay_connected())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def send(self, command: Command) -> None:
        if self._writer and self._writer.transport.get_write_buffer_size() < MOST_UNSENT:
            self._writer.write(encode(command))
        elif not isinstance(command, SetGroup):
            reason = Drop.QUEUE_FULL if self._writer else Drop.DISCONNECTED
            self._receive(Dropped(command.id, reason, f"the network server at {self._name} does not take it"))

    @property
    def _name(self) -> str:
        return f"{self._host}:{self._port}"

    async def _stay_connected(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                reader, self._writer = await asyncio.open_connection(self._host, self._port, limit=LONGEST_LINE)
                pause = FIRST_PAUSE
                await self._read(reader)
                sentence = f"the network server at {self._name} has closed the connection"
            except (OSError, ValueError, Malformed) as error:
                sentence = f"no connection to the network server at {self._name}: {error}"
            finally:
                await self._close()
            log.warning("%s; next attempt in %g s", sentence, pause)
            self._receive(Offline(sentence))
            await self._clock.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        handled = 0
        while line := await reader.readline():
            message = decode(line)
            if isinstance(message, SetGroup | MulticastDownlink | UnicastDownlink):
                raise Malformed("the network server has sent a command")
            self._receive(message)
            handled += 1
            if handled % HANDLED_PER_SLICE == 0:  # a line that has come already is read without waiting
                await asyncio.sleep(0)

    async def _close(self) -> None:
        if self._writer:
            writer, self._writer = self._writer, None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
