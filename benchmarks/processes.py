"""Several processes on one PostgreSQL, and one: creates per second over HTTP, and what a create costs of all CPUs.

Where there are fewer cores than processes the rate cannot grow with them; CPU per create then says what they would do
on cores of their own.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import product
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psycopg
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks import machine, servers
from benchmarks.load import Connection, Requests, connections, for_each
from benchmarks.scenarios import CONTAINER, HOME, INSTANCE, READING, creation, register
from tests import postgresql

CONNECTIONS = (16, 48)
CONTAINERS = max(CONNECTIONS)
WARM_UP = 5  # one of so many creates comes before those that count
SETTLING = 2.0  # seconds for each process: the first one says when it serves, the others follow
COLUMNS = ("processes", "connections", "creates/s", "ms CPU/create", "servers", "PostgreSQL", "times one process")
TICKS = os.sysconf("SC_CLK_TCK")


class Figures(NamedTuple):
    """Of one measurement: creates per second, and milliseconds of CPU per create of servers and database."""

    rate: float
    server: float
    database: float


@asynccontextmanager
async def cse(count: int, folder: Path, database: str) -> AsyncIterator[servers.Program]:
    """A server of so many processes, that all serve; its container for each connection."""
    workers = ("--workers", str(count)) if count > 1 else ()
    command = (servers.CSE, "serve", "--port", "0", "--store", database, "--data", str(folder), *workers)
    async with servers.started(*command) as program:
        await asyncio.sleep(SETTLING * count)
        await register(program.address)
        await for_each(program.address, _container, CONTAINERS)
        yield program


def _container(number: int) -> Requests:
    return creation(HOME, CONTAINER, {"m2m:cnt": {"rn": f"c{number}", "mni": 1000}})


async def measure(program: servers.Program, database: str, count: int, creates: int) -> Figures:
    """So many creates of instances by so many connections, each in a container of its own as meters do it."""
    requests = [creation(f"{HOME}/c{number}", INSTANCE, READING) for number in range(count)]

    async def drive(connection: Connection, requests: Requests, numbers: Iterator[int]) -> None:
        for _ in numbers:
            await connection.send(requests)

    async def create(creates: int) -> None:
        numbers = iter(range(creates))
        await asyncio.gather(*(drive(*each, numbers) for each in zip(opened, requests, strict=True)))

    async with connections(program.address, count) as opened:
        await create(creates // WARM_UP)
        processes = [program.process, *children(program.process)]
        backends = await asyncio.to_thread(_backends, database)
        begin, server, base = time.perf_counter(), cpu(processes), cpu(backends)
        await create(creates)
        seconds = time.perf_counter() - begin
    return Figures(
        creates / seconds, 1000 * (cpu(processes) - server) / creates, 1000 * (cpu(backends) - base) / creates
    )


def children(process: int) -> list[int]:
    """The processes that a process has started."""
    return [int(number) for number in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def cpu(processes: Sequence[int]) -> float:
    """Seconds that they have computed so far; one that is not there any more counts nothing."""
    ticks = 0
    for process in processes:
        with suppress(FileNotFoundError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def _backends(database: str) -> list[int]:
    """The processes of PostgreSQL, those that write logs and checkpoints included."""
    with psycopg.connect(database) as connection:
        return [row[0] for row in connection.execute("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")]


async def run(options: argparse.Namespace, folder: Path, server: str) -> Table:
    """Measure in turns, and tabulate the medians."""
    found: dict[tuple[int, int], list[Figures]] = {}
    for repetition, count in product(range(options.repetitions), (1, options.processes)):
        database = postgresql.new_database(server)
        async with cse(count, folder / f"{repetition}-{count}", database) as program:
            for parallel in CONNECTIONS:
                figures = await measure(program, database, parallel, options.creates)
                found.setdefault((count, parallel), []).append(figures)
        postgresql.drop_database(database)
    table = Table(*COLUMNS)
    for (count, parallel), measured in sorted(found.items()):
        figures = Figures(*(median(values) for values in zip(*measured, strict=True)))
        costs = [f"{value:.2f}" for value in (figures.server + figures.database, figures.server, figures.database)]
        alone = median(each.rate for each in found[1, parallel])
        table.add_row(str(count), str(parallel), f"{figures.rate:,.0f}", *costs, f"{figures.rate / alone:.2f}")
    return table


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.processes", description=__doc__)
    parser.add_argument("--server", help="URL of a PostgreSQL on this machine (one from a package is started)")
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--creates", type=int, default=10_000, help="per figure")
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    own = None if options.server else postgresql.Server(durable=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            table = uvloop.run(run(options, Path(folder), own.url if own else options.server))
            Console(width=120).print(machine.description(Path(folder)), table, sep="\n")
    finally:
        if own:
            own.close()


if __name__ == "__main__":
    main()
