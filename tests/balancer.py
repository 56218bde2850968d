"""A load balancer as stands before several servers: connections go round those that are well."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

CHECK = b"GET /.cse/health HTTP/1.1\r\nHost: balancer\r\nX-M2M-Origin: CAdmin\r\n%sConnection: close\r\n\r\n"
PAUSE, PATIENCE = 0.5, 1.0  # seconds between checks, and those that an answer may take
PART = 64 * 1024


class BackEnd:
    """A server, and the connections that it has got. One that is not well gets none, and loses those that it has."""

    def __init__(self, host: str, port: int, token: str) -> None:
        self.host, self.port = host, port
        self.is_well = False
        self._check = CHECK % (f"Authorization: Bearer {token}\r\n".encode() if token else b"")
        self._streams: set[asyncio.StreamWriter] = set()

    async def watch(self) -> None:
        """Look after it, again and again."""
        while True:
            self.is_well = await self._answers()
            if not self.is_well:
                for stream in self._streams:
                    stream.transport.abort()
            await asyncio.sleep(PAUSE)

    async def _answers(self) -> bool:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                try:
                    writer.write(self._check)
                    return b" 200 " in await reader.readline()
                finally:
                    writer.transport.abort()
        return False

    async def carry(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> bool:
        """Pass everything on until somebody hangs up; false if it takes no connections."""
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await asyncio.open_connection(self.host, self.port)
        except (OSError, TimeoutError):
            return False
        self._streams.add(writer)
        try:
            both = [asyncio.create_task(_pass_on(client, writer)), asyncio.create_task(_pass_on(reader, answers))]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
        finally:
            self._streams.discard(writer)
            writer.transport.abort()
        return True


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while part := await reader.read(PART):
            writer.write(part)
            await writer.drain()


@asynccontextmanager
async def balancer(servers: Sequence[str], host: str = "127.0.0.1", token: str = "") -> AsyncIterator[str]:
    """Before servers at these URLs: its own. The token lets it ask how they are."""
    back_ends = [BackEnd(*_address(url), token) for url in servers]
    order = list(back_ends)

    async def connected(client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        try:
            for back_end in [each for each in order if each.is_well]:
                order.append(order.pop(order.index(back_end)))
                if await back_end.carry(client, answers):
                    return
        finally:
            answers.transport.abort()

    listening = await asyncio.start_server(connected, host, 0, backlog=1024)
    watches = [asyncio.create_task(back_end.watch()) for back_end in back_ends]
    try:
        yield f"http://{host}:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)
