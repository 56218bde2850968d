"""What is watched while something else is measured: the server's memory and stalls, and how soon it answers others."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from benchmarks.load import Address, Requests, connections, once

PROBE_PAUSE = 0.02  # seconds
STALL = "longestStall"
SHARES = {"median": 0.5, "90 %": 0.9, "99 %": 0.99, "longest": 1.0}
TICKS = os.sysconf("SC_CLK_TCK")


def peak_memory(process: int) -> int:
    """The most memory that a process has had in MiB (VmHWM)."""
    return _status(process, "VmHWM") // 1024


def memory(process: int) -> int:
    """The memory that a process has now in MiB (VmRSS)."""
    return resident(process) // 1024


def resident(process: int) -> int:
    """The same in KiB."""
    return _status(process, "VmRSS")


def _status(process: int, name: str) -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise ValueError(f"process {process} has no {name}")


def cpu(processes: Sequence[int]) -> float:
    """Seconds that they have computed so far; one that is not there any more counts nothing."""
    ticks = 0
    for process in processes:
        with suppress(FileNotFoundError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


class Stopwatch:
    """Of wall time, and of what a process computes meanwhile, if it is known."""

    def __init__(self, process: int | None) -> None:
        self._processes = [process] if process else []
        self._begin, self._used = time.perf_counter(), cpu(self._processes)

    def seconds(self) -> float:
        """Since it was made."""
        return time.perf_counter() - self._begin

    def microseconds_of_cpu(self, count: int = 1) -> float | None:
        """For each of so many that were done meanwhile."""
        return 1e6 * (cpu(self._processes) - self._used) / count if self._processes else None


async def longest_stall(address: Address, administrator: str) -> float:
    """Seconds for which the server's event loop stood still at most since this was last asked."""
    health = await once(address, Requests("GET", "/.cse/health", administrator))
    return float(health[STALL])


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of these than which at most a share of 1 - `share` are larger."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def distribution(milliseconds: Sequence[float]) -> str:
    """Of measured times, in words."""
    named = {name: percentile(milliseconds, share) for name, share in SHARES.items()}
    return ", ".join(f"{name} {value:.{0 if value >= 10 else 1}f} ms" for name, value in named.items())


class Probe:
    """One request over and over, with pauses (seconds): `milliseconds` that each took."""

    def __init__(self, address: Address, requests: Requests, pause: float = PROBE_PAUSE) -> None:
        self.milliseconds: list[float] = []
        self._address, self._requests, self._pause = address, requests, pause

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
                await asyncio.sleep(self._pause)
