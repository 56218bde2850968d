"""How the store of readable JSON does as it grows: creates, start, memory; beside a bare fsync and stock TinyDB."""

import argparse
import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tinydb import TinyDB

from benchmarks import machine
from cse.store import Resource, Store, Transaction
from cse.store.opening import open_store
from cse.store.tinydb.lines import Change, commit_line

AT_ONCE = 16  # creates under way, which share a commit
AT_FIRST = 1000  # resources that are filled in with one commit
STOCK_INSERTS = 5
CONTAINERS = 1000
MOMENT = "20260101T000000,000000"
COLUMNS = {
    "resources": "before",
    "creates/s": f"{AT_ONCE} at a time, each durable",
    "CPU": "microseconds for each of them",
    "x fsync": "times the bare appends of as many bytes, each with its fsync",
    "x stock": "times the inserts of stock TinyDB into a table of this size",
    "longest": "milliseconds that one of them took, compaction included",
    "start": "seconds until the store is open",
    "bytes": "of memory for each resource",
}


def instance(number: int) -> Resource:
    """A contentInstance in one of the containers."""
    name, parent = f"cin{number:08}", f"cnt{number % CONTAINERS:04}"
    times = {"ct": MOMENT, "lt": MOMENT, "et": "20270101T000000,000000"}
    attributes = {"ty": 4, "ri": name, "pi": parent, "rn": name, **times, "st": number, "cs": 20, "con": "x" * 20}
    return Resource(f"cse-in/{parent}/{name}", "Cmeter", attributes)


def inserting(*numbers: int) -> Callable[[Transaction], None]:
    """A unit that creates them."""

    def unit(transaction: Transaction) -> None:
        for number in numbers:
            transaction.resources.insert(instance(number))

    return unit


async def measure(folder: Path, size: int, seconds: float) -> list[str]:
    """A row of the table."""
    url = f"tinydb:///{folder}/cse.json"
    store = open_store(url, folder)
    await store.open()
    for first in range(0, size, AT_FIRST):
        await store.run(inserting(*range(first, min(first + AT_FIRST, size))))
    await store.close()
    with multiprocessing.get_context("spawn").Pool(1) as fresh:
        opening, bytes_each = fresh.apply(start_anew, (url, folder, size))
    await store.open()
    used = time.process_time()
    rate, longest = await creates(store, size, seconds)
    used = (time.process_time() - used) / (rate * seconds)
    await store.close()
    fsync, stock = bare_appends(folder, seconds), stock_inserts(folder, size)
    figures = f"{size:,}", f"{rate:,.0f}", f"{used * 1e6:.0f}", f"{rate / AT_ONCE / fsync:.2f}", f"{rate / stock:,.0f}"
    return [*figures, f"{1000 * longest:.0f}", f"{opening:.2f}", f"{bytes_each:,.0f}"]


async def creates(store: Store, first: int, seconds: float) -> tuple[float, float]:
    """How many in a second, and the longest that one of them took."""
    begin, waits = time.perf_counter(), [0.0]

    async def create(number: int) -> None:
        while (now := time.perf_counter()) - begin < seconds:
            await store.run(inserting(number))
            waits.append(time.perf_counter() - now)
            number += AT_ONCE

    await asyncio.gather(*(create(first + number) for number in range(AT_ONCE)))
    return (len(waits) - 1) / (time.perf_counter() - begin), max(waits)


def start_anew(url: str, folder: Path, size: int) -> tuple[float, float]:
    """In a process of its own: how long it takes to open the store, and the memory for each resource."""
    return asyncio.run(start(url, folder, size))


async def start(url: str, folder: Path, size: int) -> tuple[float, float]:
    before, begin = memory(), time.perf_counter()
    store = open_store(url, folder)
    await store.open()
    seconds, bytes_each = time.perf_counter() - begin, (memory() - before) / size
    await store.close()
    return seconds, bytes_each


def memory() -> int:
    """The bytes that this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def bare_appends(folder: Path, seconds: float) -> float:
    """How many commits of as many bytes a second could be written and synchronised, if nothing else had to be done."""
    text = b"x" * 400
    line = commit_line(1, [Change("resource", number, text) for number in range(AT_ONCE)])
    begin, done = time.perf_counter(), 0
    with (folder / "bare").open("wb", buffering=0) as file:
        while time.perf_counter() - begin < seconds:
            file.write(line)
            os.fsync(file.fileno())
            done += 1
    return done / (time.perf_counter() - begin)


def stock_inserts(folder: Path, size: int) -> float:
    """How many documents a second stock TinyDB adds to as many in its JSON file."""
    path = folder / "stock.json"
    path.unlink(missing_ok=True)
    with TinyDB(path) as database:
        database.insert_multiple(instance(number).attributes for number in range(size))
        begin = time.perf_counter()
        for number in range(STOCK_INSERTS):
            database.insert(instance(size + number).attributes)
        return STOCK_INSERTS / (time.perf_counter() - begin)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tinydb_store", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000", help="numbers of resources, with commas")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each figure")
    parser.add_argument("--folder", type=Path, help="where the data go meanwhile")
    options = parser.parse_args()
    table = Table(*COLUMNS)
    for size in map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            table.add_row(*asyncio.run(measure(Path(folder), size, options.seconds)))
            description = machine.description(Path(folder))
    console = Console(width=120)
    console.print(description, table, *(f"{name}: {meaning}" for name, meaning in COLUMNS.items()), sep="\n")


if __name__ == "__main__":
    main()
