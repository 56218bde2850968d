"""Run the benchmark and print its table. Times are shown, never judged."""

import argparse
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import uvloop
from rich.console import Console

from benchmarks import machine, servers
from benchmarks.figures import Figures
from benchmarks.scenarios import Campaign, FanOut, Reference, Scenario, SingleRequests, register

STORES = ("sqlite", "memory")
WIDTH = 140  # of the table where there is no terminal
NOTE = (
    "Each figure is the median of the repetitions; a ratio is to the reference of the same repetition. Meters spread "
    "their answers over the window of the network, at least udp-multicast.min_window (1 s)."
)


class Size(NamedTuple):
    """How much is measured: seconds per figure of requests, members of the groups, repetitions."""

    seconds: float
    members: int
    repetitions: int


FULL, QUICK = Size(2.0, 1000, 3), Size(0.1, 20, 1)


async def run(size: Size, folder: Path, console: Console) -> Figures:
    """Start everything, measure in turns, stop everything."""
    figures = Figures()
    async with AsyncExitStack() as stack:
        reference = Reference(await stack.enter_async_context(servers.reference()), size.seconds / 2)
        scenarios = await _scenarios(stack, size, folder)
        for scenario in scenarios:
            await scenario.prepare(stack)
        for repetition in range(size.repetitions):
            for scenario in scenarios:
                console.print(f"repetition {repetition + 1} of {size.repetitions}: {type(scenario).__name__}")
                # The machine's speed drifts: each scenario is compared with the reference of right before.
                figures.add(await reference.measure())
                figures.add(await scenario.measure())
    return figures


async def _scenarios(stack: AsyncExitStack, size: Size, folder: Path) -> list[Scenario]:
    port = servers.free_port()
    scenarios: list[Scenario] = []
    for store in STORES:
        own_folder = folder / store
        own_folder.mkdir()
        settings = (f"udp-multicast.group_port={port}",)
        address = await stack.enter_async_context(servers.cse(store, own_folder, *settings))
        await register(address)
        scenarios += [SingleRequests(address, store, size.seconds), FanOut(address, store, size.members)]
        if store == "sqlite":
            scenarios.append(Campaign(address, store, port, size.members))
    return scenarios


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds, small groups: only shows that it works")
    parser.add_argument("--folder", type=Path, help="where the data of the servers go meanwhile")
    options = parser.parse_args()
    progress, console = Console(stderr=True), Console()
    if not console.is_terminal:
        console.width = WIDTH
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        figures = uvloop.run(run(QUICK if options.quick else FULL, Path(folder), progress))
        console.print(machine.description(Path(folder)), figures.table(), NOTE, sep="\n")


if __name__ == "__main__":
    main()
