"""Measure the server, or another CSE, beside an empty endpoint, and print the table. Times are shown, never judged."""

import argparse
import secrets
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import uvloop
from rich.console import Console

from benchmarks import machine
from benchmarks.figures import Figures
from benchmarks.load import JSON, Address, LoadError
from benchmarks.scenarios import SCENARIOS, USUAL, Bench, Size
from benchmarks.subject import Subject

WIDTH = 140  # of the table where there is no terminal
SECONDS, MEMBERS, REPETITIONS = 2.0, 10_000, 3
GROWTH = (1000, 10_000, 100_000, 1_000_000)
FULL = Size(SECONDS, MEMBERS, 100_000, REPETITIONS, GROWTH)
QUICK = Size(0.1, 20, 200, 1, (100, 200))
NOTE = (
    "Each figure is the median of the repetitions; `x ref.` is its ratio to the bare Starlette POST right before, "
    "with as many connections. CPU us: what one request, member or notification costs the server; `x CPU`: how many "
    "of them it could do for what one costs the reference. driver: share of a core that the load generator took. "
    "benchmarks/README.md says more."
)


async def run(bench: Bench, names: list[str], console: Console) -> Figures:
    """One scenario after another; one that fails does not keep the others from being measured."""
    figures = Figures()
    async with bench.stack:
        await bench.start()
        for name in names:
            try:
                await _measure(bench, name, figures, console)
            except (LoadError, OSError, TimeoutError) as error:
                figures.failed[name] = str(error) or type(error).__name__
                console.print(f"{name} failed: {figures.failed[name]}")
        if bench.other:
            await _clean(bench)
    return figures


async def _measure(bench: Bench, name: str, figures: Figures, console: Console) -> None:
    scenario = SCENARIOS[name](bench)
    async with AsyncExitStack() as stack:
        console.print(f"{name}: preparing")
        await scenario.prepare(stack)
        for repetition in range(bench.size.repetitions):
            console.print(f"{name}: repetition {repetition + 1} of {bench.size.repetitions}")
            for part in scenario.parts():
                # The machine's speed drifts: each part is compared with the reference of right before.
                reference = await bench.compare(scenario.connections)
                figures.add(await part(), reference)


async def _clean(bench: Bench) -> None:
    """Remove what was made on a CSE that is not ours."""
    subject = await bench.subject()
    await subject.once(subject.request("DELETE", subject.home))


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--only", nargs="+", choices=SCENARIOS, metavar="NAME", help=f"scenarios to measure: {', '.join(SCENARIOS)}")
    add("--quick", action="store_true", help="a few seconds, small groups: only shows that it works")
    add("--seconds", type=float, help=f"per figure of requests ({SECONDS})")
    add("--members", type=int, help=f"of groups, and resources that discovery looks through ({MEMBERS:,})")
    add("--repetitions", type=int, help=f"of everything ({REPETITIONS})")
    add("--growth", type=int, nargs="+", metavar="SIZE", help=f"resources, for the scenario growth ({GROWTH})")
    add("--json", type=Path, metavar="FILE", help="where every figure of every repetition goes")
    add("--folder", type=Path, help="where the data of the servers go meanwhile")
    add("--store", default="", help="store URL of our server; default: SQLite in a file")
    add("--cse", metavar="URL", help="another CSE to measure: the URL of its CSEBase, http://127.0.0.1:8080/cse-in")
    add("--prefix", default="C", help="what AE-IDs begin with there")
    add("--header", action="append", default=[], metavar="NAME:VALUE", help="beside or instead of the usual headers")
    add("--media-type", default=JSON, help="of requests there")
    add("--process", type=int, metavar="PID", help="of that CSE if it runs here: what each request costs it is shown")
    return parser.parse_args()


def _size(chosen: argparse.Namespace) -> Size:
    named = {name: value for name in Size._fields if (value := getattr(chosen, name, None)) is not None}
    return (QUICK if chosen.quick else FULL)._replace(**named)


def _other(chosen: argparse.Namespace) -> Subject | None:
    if not chosen.cse:
        return None
    url = urlsplit(chosen.cse)
    headers = {name.strip(): value.strip() for name, _, value in (text.partition(":") for text in chosen.header)}
    address = Address(url.hostname or "", url.port or 80)
    name = f"benchmark-{secrets.token_hex(4)}"
    return Subject(address, url.path.rstrip("/"), name, chosen.prefix, headers, chosen.media_type, chosen.process)


def _names(chosen: argparse.Namespace) -> list[str]:
    """The scenarios in the order of the table; of another CSE those that need nothing but oneM2M."""
    wanted = chosen.only or USUAL
    return [name for name, scenario in SCENARIOS.items() if name in wanted and (scenario.portable or not chosen.cse)]


def _failures(figures: Figures) -> list[str]:
    return [f"{name} failed: {reason}" for name, reason in figures.failed.items()]


def main() -> None:
    """Measure, print, and write; the exit status is 1 if a scenario failed."""
    chosen = options()
    progress, console = Console(stderr=True), Console()
    if not console.is_terminal:
        console.width = WIDTH
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder, size = Path(name), _size(chosen)
        facts = machine.facts(folder)  # before the benchmark itself makes the machine busy
        bench = Bench(size, folder, AsyncExitStack(), _other(chosen), chosen.store)
        figures = uvloop.run(run(bench, _names(chosen), progress))
        console.print(machine.as_table(facts), figures.table(), NOTE, *_failures(figures), sep="\n")
    if chosen.json:
        document: dict[str, Any] = {"machine": facts, "size": size._asdict(), "cse": chosen.cse}
        chosen.json.write_bytes(orjson.dumps(document | figures.document(), option=orjson.OPT_INDENT_2))
    sys.exit(bool(figures.failed))


if __name__ == "__main__":
    main()
