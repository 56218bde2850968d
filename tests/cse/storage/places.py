"""Stores for the tests of what operators do with them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from cse.storage.places import Place
from cse.store import Transaction, Unit
from tests.cse.store.engines import ENGINES
from tests.cse.store.samples import campaign, resource, rows
from tests.cse.store.test_carrying_over import populate, thin_out

ROOT = Path(__file__).parents[3]
REMEMBERED = {"_default": {"1": {"group": "cse-in/city", "joined": [1, 2.5, None, "é"]}}}


def place_of(engine: str, folder: Path) -> Place:
    """Where there is no store yet; each folder has its own."""
    return Place.of(ENGINES[engine](folder), folder / "data")


async def filled(place: Place, unit: Unit[Any]) -> Place:
    """The same place, where a unit has been run, and where a network remembers something."""
    async with place.opened() as store:
        await store.run(unit)
        store.documents("udp").write(REMEMBERED)
    return place


def names_in(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def kill(module: str, name: str, call: int, arguments: list[str]) -> None:
    """Run `cse` with these arguments until it calls a function for the n-th time."""
    program = [sys.executable, "-m", "tests.cse.storage.killed_program", module, name, str(call)]
    killed = subprocess.run([*program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (killed.returncode, killed.stdout) == (-9, ""), killed.stderr


def everything(transaction: Transaction) -> None:
    """Something of all that a store keeps; numbers have been used that are not there any more."""
    transaction.resources.insert(resource("cse", 5))
    populate(transaction)
    for number in range(30):
        transaction.resources.insert(resource(f"cse/{number:02}", 4, con="x" * number, lbl=["\x00"]))
    transaction.campaigns.add(campaign(7), rows([str(number) for number in range(25)]))
    thin_out(transaction)
