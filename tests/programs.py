"""The server as a program of its own, to be killed."""

import asyncio
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import aiohttp

from tests.servers import PATIENCE, Client

CSE = Path(sys.executable).with_name("cse")


class Program:
    """`cse serve` in a folder; start it again after `kill` and it goes on with what is in the folder."""

    def __init__(
        self, folder: Path, session: aiohttp.ClientSession, *settings: str, log: IO[bytes] | None = None
    ) -> None:
        self._folder = folder
        self._log = log
        self._session = session
        self._settings = [word for setting in settings for word in ("--set", setting)]
        self.client = Client(session, "")

    async def start(self) -> None:
        """Run until it says where it listens."""
        self._process = await asyncio.create_subprocess_exec(
            CSE,
            "serve",
            "--port",
            "0",
            "--data",
            "data",
            *self._settings,
            cwd=self._folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._log,
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = (await self._process.stdout.readline()).decode()
        self.client = Client(self._session, line.split()[3].removesuffix("/cse-in,"))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.client.url.rpartition(":")[2])

    def send(self, number: signal.Signals) -> None:
        """Send a signal, and go on."""
        self._process.send_signal(number)

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Stop at once."""
        self._process.send_signal(number)
        await self._process.communicate()


@asynccontextmanager
async def program(
    folder: Path, *settings: str, tls: ssl.SSLContext | None = None, log: IO[bytes] | None = None
) -> AsyncIterator[Program]:
    """A server program that runs, with settings as SECTION.KEY=VALUE; `tls` is the client's side.

    What it logs goes to the file `log`, without one to where our own errors go.
    """
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls or True)) as session:
        server = Program(folder, session, *settings, log=log)
        await server.start()
        try:
            yield server
        finally:
            await server.kill()
