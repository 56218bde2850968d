"""Large stores on SQLite: a million instances, 100,000 AEs, retention and large removals while others go on."""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks import machine, servers
from benchmarks.driver import load
from benchmarks.filling import container, containers, entities, fill
from benchmarks.load import Address, Requests, connections, once
from benchmarks.offering import offer
from benchmarks.subject import ADMINISTRATOR, CONTAINER, INSTANCE, READING, Subject
from benchmarks.watching import Probe, distribution, longest_stall, memory, peak_memory
from cse.store import Resource

BASE = "/cse-in"
CONNECTIONS = 16
ALIKE = 10  # AEs with the same label
PARTS = ("million", "entities", "retention", "expiry", "removal")
RETAINING: dict[str, dict[str, int]] = {"count": {"mni": 100}, "bytes": {"mbs": 3000}, "age": {"mia": 2}}
OFFERED = 2000  # creations per second
CALM = 3.0  # seconds before and after what is to be measured
DUE = 5.0  # seconds after the filling, when everything ends at once


class Options(NamedTuple):
    """How large the stores are, seconds per figure, repetitions, and which parts."""

    instances: int
    containers: int
    entities: int
    large: int
    seconds: float
    repetitions: int
    only: list[str]


class Stores:
    """Carries it out. `lines` says what was measured so far."""

    def __init__(self, options: Options, folder: Path, console: Console) -> None:
        self.lines: list[tuple[str, str]] = []
        self._options = options
        self._folder = folder
        self._console = console

    async def run(self) -> None:
        """The parts, one after another."""
        parts: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "million": self._million,
            "entities": self._entities,
            "retention": self._retention,
            "expiry": self._expiry,
            "removal": self._removal,
        }
        for name in self._options.only:
            await parts[name]()

    def _note(self, name: str, figures: str) -> None:
        self.lines.append((name, figures))
        self._console.print(f"{name}: {figures}")

    async def _filled(self, name: str, resources: Iterator[Resource]) -> Path:
        folder = self._folder / name
        folder.mkdir()
        begin = time.perf_counter()
        await fill(folder, resources)
        size = (folder / "cse.sqlite").stat().st_size / 2**20
        self._note(f"{name}: filled in", f"{time.perf_counter() - begin:.1f} s, {size:,.0f} MiB")
        return folder

    @asynccontextmanager
    async def _server(self, name: str, folder: Path) -> AsyncIterator[servers.Program]:
        begin = time.perf_counter()
        async with servers.cse(folder) as program:
            seconds = time.perf_counter() - begin
            self._note(f"{name}: start", f"{seconds:.2f} s, {memory(program.process)} MiB")
            yield program
            self._note(f"{name}: memory", f"{peak_memory(program.process)} MiB at most")

    async def _million(self) -> None:
        options = self._options
        each = options.instances // options.containers
        folders = {
            "empty": await self._filled("empty", containers(options.containers, 0)),
            "full": await self._filled("full", containers(options.containers, each)),
        }
        rates: dict[str, list[float]] = {name: [] for name in folders}
        async with servers.reference() as reference:
            empty = [Subject(reference.address).creation("/", INSTANCE, READING)]
            for _ in range(options.repetitions):
                compared = (await load(reference.address, empty, CONNECTIONS, options.seconds / 2)).rate
                for name, folder in folders.items():
                    rates[name].append(await self._creations(name, folder, compared))
        ratio = median(full / empty for full, empty in zip(rates["full"], rates["empty"], strict=True))
        self._note("creations in the full store", f"{ratio:.2f} times those in the empty one (median)")

    async def _creations(self, name: str, folder: Path, reference: float) -> float:
        paths = [f"{BASE}/readings-{number}" for number in range(self._options.containers)]
        retrieved = [Requests("GET", f"{path}", ADMINISTRATOR) for path in paths]
        async with self._server(name, folder) as server:
            created = [_creation(path) for path in paths]
            rate = (await load(server.address, created, CONNECTIONS, self._options.seconds)).rate
            await load(server.address, retrieved, CONNECTIONS, self._options.seconds / 2)
        self._note(f"{name}: creations", f"{rate:,.0f}/s, {rate / reference:.3f} times the reference")
        return rate

    async def _entities(self) -> None:
        folder = await self._filled("entities", entities(self._options.entities, ALIKE))
        async with self._server("entities", folder) as server, connections(server.address, 1) as (connection,):
            streets = self._options.entities // ALIKE
            milliseconds = []
            for number in range(min(500, streets)):
                path = f"{BASE}?fu=1&lbl=street-{number * 7919 % streets}"
                begin = time.perf_counter()
                answer = await connection.send(Requests("GET", path, ADMINISTRATOR))
                milliseconds.append(1000 * (time.perf_counter() - begin))
                assert answer.body.count(b"meter-") == ALIKE, answer
            figures = f"{distribution(milliseconds)}; the first one {milliseconds[0]:.1f} ms"
            self._note(f"discovery by label, {ALIKE} hits", figures)

    async def _retention(self) -> None:
        folder = await self._filled("retention", iter(()))
        async with self._server("retention", folder) as server:
            for name, limit in RETAINING.items():
                await _create_container(server.address, name, **limit)
            created = [_creation(f"{BASE}/{name}") for name in RETAINING]
            async with self._others("retention", server):
                rate = (await load(server.address, created, CONNECTIONS, 2 * self._options.seconds)).rate
            self._note("creations with retention", f"{rate:,.0f}/s to {', '.join(map(str, RETAINING.values()))}")
        offered = await offer(folder, RETAINING, OFFERED, self._options.seconds)
        self._note(f"{OFFERED:,} a second offered, without HTTP", f"{offered.rate:,.0f}/s carried out")
        self._note("these creations, with retention", offered.creations)
        self._note("reading one of the containers meanwhile", offered.reads)

    async def _expiry(self) -> None:
        large = self._options.large
        folder = await self._filled("expiry", container("ending", large, lives=DUE + large / 10_000))
        async with self._server("expiry", folder) as server, self._others("expiry", server):
            question = Requests("GET", f"{BASE}/ending", ADMINISTRATOR)
            seconds = await _until(server.address, question, lambda answer: answer["m2m:cnt"]["cni"] == 0)
            self._note(f"expiry of {large:,} at once", f"all gone {seconds:.1f} s after the start")

    async def _removal(self) -> None:
        folder = await self._filled("removal", container("large", self._options.large))
        async with self._server("removal", folder) as server, self._others("removal", server):
            await asyncio.sleep(CALM)
            begin = time.perf_counter()
            await once(server.address, Requests("DELETE", f"{BASE}/large", ADMINISTRATOR))
            figures = f"answered after {1000 * (time.perf_counter() - begin):.0f} ms"
            self._note(f"DELETE of {self._options.large:,} instances", figures)
            await asyncio.sleep(CALM + self._options.large / 5000)

    @asynccontextmanager
    async def _others(self, name: str, server: servers.Program) -> AsyncIterator[None]:
        """What other clients notice meanwhile."""
        await _create_container(server.address, "beside", mni=10)
        retrieval = Probe(server.address, Requests("GET", f"{BASE}/beside", ADMINISTRATOR))
        creation = Probe(server.address, _creation(f"{BASE}/beside"))
        await longest_stall(server.address, ADMINISTRATOR)
        async with retrieval.running(), creation.running():
            yield
        stall = 1000 * await longest_stall(server.address, ADMINISTRATOR)
        self._note(f"{name}: retrieve of a container meanwhile", retrieval.summary())
        self._note(f"{name}: create of an instance meanwhile", creation.summary())
        self._note(f"{name}: the event loop stood still for", f"{stall:.0f} ms at most")


def _creation(path: str) -> Requests:
    return Requests("POST", path, ADMINISTRATOR, READING, ty=INSTANCE, status=201)


async def _create_container(address: Address, name: str, **limits: int) -> None:
    content = {"m2m:cnt": {"rn": name, **limits}}
    await once(address, Requests("POST", BASE, ADMINISTRATOR, content, ty=CONTAINER, status=201))


async def _until(address: Address, question: Requests, condition: Callable[[Any], bool]) -> float:
    """Seconds until the answer fulfils the condition."""
    begin = time.perf_counter()
    while True:
        if condition(await once(address, question)):
            return time.perf_counter() - begin
        await asyncio.sleep(0.1)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stores", description=__doc__)
    add = parser.add_argument
    add("--instances", type=int, default=1_000_000, help="content instances in the full store")
    add("--containers", type=int, default=1000, help="containers that they are in")
    add("--entities", type=int, default=100_000, help="AEs with a container each")
    add("--large", type=int, default=100_000, help="instances that end, or are removed, at once")
    add("--seconds", type=float, default=5.0, help="seconds per figure")
    add("--repetitions", type=int, default=3, help="of the comparison of an empty and a full store")
    add("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to measure")
    add("--folder", type=Path, help="where the data of the servers go meanwhile")
    values = vars(parser.parse_args())
    progress, console = Console(stderr=True, width=160), Console(width=160)
    with tempfile.TemporaryDirectory(dir=values.pop("folder")) as folder:
        stores = Stores(Options(**values), Path(folder), progress)
        uvloop.run(stores.run())
        table = Table.grid(padding=(0, 2))
        for name, value in stores.lines:
            table.add_row(name, value)
        console.print(machine.description(Path(folder)), table, sep="\n")


if __name__ == "__main__":
    main()
