"""Several processes on one PostgreSQL, and one: creates per second over HTTP, and what a create costs of all CPUs.

Where there are fewer cores than processes the rate cannot grow with them; CPU per create then says what they would do
on cores of their own.
"""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle, islice, product
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psycopg
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks import machine, servers
from benchmarks.driver import for_each
from benchmarks.subject import CONTAINER, INSTANCE, READING, Subject
from benchmarks.watching import cpu
from tests import postgresql

CONNECTIONS = (16, 48)
CONTAINERS = max(CONNECTIONS)
WARM_UP = 5  # one of so many creates comes before those that count
SETTLING = 2.0  # seconds for each process: the first one says when it serves, the others follow
COLUMNS = ("processes", "connections", "creates/s", "ms CPU/create", "servers", "PostgreSQL", "times one process")


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
        subject = Subject(program.address)
        await subject.register()
        limited = ({"rn": f"c{number}", "mni": 1000} for number in range(CONTAINERS))
        await for_each(
            program.address, [subject.creation(subject.home, CONTAINER, {"m2m:cnt": cnt}) for cnt in limited]
        )
        yield program


async def measure(program: servers.Program, database: str, count: int, creates: int) -> Figures:
    """So many creates of instances by so many connections, in as many containers in turn."""
    subject = Subject(program.address)
    requests = [subject.creation(f"{subject.home}/c{number}", INSTANCE, READING) for number in range(count)]

    async def create(creates: int) -> float:
        return (await for_each(program.address, list(islice(cycle(requests), creates)), count)).rate

    await create(creates // WARM_UP)
    processes = [program.process, *children(program.process)]
    backends = await asyncio.to_thread(_backends, database)
    server, base = cpu(processes), cpu(backends)
    rate = await create(creates)
    return Figures(rate, 1000 * (cpu(processes) - server) / creates, 1000 * (cpu(backends) - base) / creates)


def children(process: int) -> list[int]:
    """The processes that a process has started."""
    return [int(number) for number in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


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
