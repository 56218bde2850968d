"""Several processes of one server behind one socket: started, started again when one ends, and stopped together."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Sequence

import click

from cse.timing import SystemClock

log = logging.getLogger(__name__)

PROGRAM = "from cse.cli import main; main()"
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds before a process is started again; doubled while it ends at once
AT_ONCE = 10.0  # seconds
BY_SIGNAL = 128  # exit codes above it say by which signal a process was ended
PATIENCE = 4.8  # seconds in which processes must have stopped; they see to that by themselves, once they serve


class Workers:
    """`arguments` are those of `cse serve` for each of them; they inherit the listener and its number.

    What they say is passed on, each line once. Their standard input ends with this process, however it ends, and they
    end with that.
    """

    def __init__(self, arguments: Sequence[str], count: int, listener: socket.socket) -> None:
        self._command = [sys.executable, "-c", PROGRAM, "serve", *arguments, "--listener", str(listener.fileno())]
        self._count = count
        self._listener = listener
        self._clock = SystemClock()
        self._processes: set[asyncio.subprocess.Process] = set()
        self._said: set[bytes] = set()
        self._begun = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """Until a signal, or until the first of them cannot even start; the exit code.

        The others follow the first one when it serves: what keeps it from that is said once.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._signal, signal.SIGHUP)
        codes = await asyncio.gather(self._keep(), *(self._follow() for _ in range(1, self._count)))
        return max(codes)

    async def _follow(self) -> int:
        await self._begun.wait()
        return await self._keep()

    async def _keep(self) -> int:
        """One process after another."""
        pause, code = FIRST_PAUSE, 0
        while not self._stopping.is_set():
            started = self._clock.now()
            code = await self._once()
            if self._stopping.is_set():
                return 0
            if not self._begun.is_set():
                self._stop()
                return code if code > 0 else BY_SIGNAL - code
            pause = FIRST_PAUSE if self._clock.now() - started > AT_ONCE else min(2 * pause, LONGEST_PAUSE)
            log.error("a worker has ended with code %d; another one starts in %g s", code, pause)
            await self._clock.within(pause, self._stopping.wait())
        return code

    async def _once(self) -> int:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=[self._listener.fileno()],
            start_new_session=True,
        )
        self._processes.add(process)
        if self._stopping.is_set():
            process.terminate()
        try:
            await self._pass_on(process)
            return await process.wait()
        finally:
            self._processes.discard(process)

    async def _pass_on(self, process: asyncio.subprocess.Process) -> None:
        """What it says on its standard output, until that ends."""
        assert process.stdout is not None
        async for line in process.stdout:
            if line not in self._said:
                self._said.add(line)
                click.echo(line, nl=False)
            self._begun.set()

    def _stop(self) -> None:
        """Let all of them finish; the second time, end them."""
        self._signal(signal.SIGKILL if self._stopping.is_set() else signal.SIGTERM)
        self._stopping.set()
        self._begun.set()
        asyncio.get_running_loop().call_later(PATIENCE, self._signal, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.send_signal(number)
