"""What is watched while something else is measured: the server's memory and stalls, and how soon it answers others."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles

from benchmarks.load import Address, Requests, connections, once

PROBE_PAUSE = 0.02  # seconds
STALL = "longestStall"


def peak_memory(process: int) -> int:
    """The most memory that a process has had in MiB (VmHWM)."""
    return _status(process, "VmHWM")


def memory(process: int) -> int:
    """The memory that a process has now in MiB (VmRSS)."""
    return _status(process, "VmRSS")


def _status(process: int, name: str) -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) // 1024
    raise ValueError(f"process {process} has no {name}")


async def longest_stall(address: Address, administrator: str) -> float:
    """Seconds for which the server's event loop stood still at most since this was last asked."""
    health = await once(address, Requests("GET", "/.cse/health", administrator))
    return float(health[STALL])


def distribution(milliseconds: Sequence[float]) -> str:
    """Of measured times, in words."""
    cuts = quantiles(milliseconds, n=1000, method="inclusive")
    named = {"median": cuts[499], "90 %": cuts[899], "99 %": cuts[989], "longest": max(milliseconds)}
    return ", ".join(f"{name} {value:.{0 if value >= 10 else 1}f} ms" for name, value in named.items())


class Probe:
    """One request over and over, with pauses: `milliseconds` that each took."""

    def __init__(self, address: Address, requests: Requests) -> None:
        self.milliseconds: list[float] = []
        self._address, self._requests = address, requests

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Probe"]:
        """Probe as long as the block lasts."""
        task = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def summary(self) -> str:
        """Its distribution."""
        return distribution(self.milliseconds)

    async def _run(self) -> None:
        async with connections(self._address, 1) as (connection,):
            while True:
                begin = time.perf_counter()
                await connection.send(self._requests)
                self.milliseconds.append(1000 * (time.perf_counter() - begin))
                await asyncio.sleep(PROBE_PAUSE)
