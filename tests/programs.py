"""The server as a program of its own, to be killed."""

import asyncio
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

import aiohttp

from cse.testing.fleet import proof
from tests.servers import PATIENCE, Client

CSE = Path(sys.executable).with_name("cse")


class Program:
    """`cse serve` in a folder; start it again after `kill` and it goes on with what is in the folder.

    `arguments` are further ones of its command line; `inside` is a command that runs it elsewhere.
    """

    def __init__(
        self,
        folder: Path,
        session: aiohttp.ClientSession,
        *settings: str,
        arguments: Sequence[str] = (),
        inside: Sequence[str] = (),
        log: IO[bytes] | None = None,
    ) -> None:
        self._folder = folder
        self._log = log
        self._session = session
        self._settings = [word for setting in settings for word in ("--set", setting)]
        self._command = [*inside, CSE, "serve", "--port", "0", "--data", "data", *arguments]
        self.client = Client(session, "")

    async def start(self) -> None:
        """Run until it says where it listens."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
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

    @property
    def process(self) -> int:
        """The number of its process."""
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal, and go on."""
        self._process.send_signal(number)

    async def ended(self) -> int:
        """The exit code, once it has ended by itself or by a signal."""
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Stop at once, if it still runs."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
        await self._process.communicate()


@asynccontextmanager
async def program(
    folder: Path,
    *settings: str,
    tls: ssl.SSLContext | None = None,
    token: str = "",
    log: IO[bytes] | None = None,
    **how: Sequence[str],
) -> AsyncIterator[Program]:
    """A server program that runs, with settings as SECTION.KEY=VALUE; `tls` and `token` are the client's side.

    What it logs goes to the file `log`, without one to where our own errors go. `how` is as `Program` takes it.
    """
    connector = aiohttp.TCPConnector(ssl=tls or True)
    async with aiohttp.ClientSession(connector=connector, headers=proof(token)) as session:
        server = Program(folder, session, *settings, log=log, **how)
        await server.start()
        try:
            yield server
        finally:
            await server.kill()
