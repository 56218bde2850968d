"""Servers are killed over every engine that lasts: a few times in every run, many times in the long one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.crash.driver import Plan
from conformance.crash.server import Program
from tests.crash.runs import Note, command, free_port, survive
from tests.postgresql import new_database

FEW = 3
ENGINES: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite:///{folder / 'data' / 'cse.sqlite'}",
    "tinydb": lambda folder: f"tinydb:///{folder / 'data' / 'cse'}",
    "postgresql": lambda folder: new_database(),
}
MANY = {"sqlite": 25, "tinydb": 5, "postgresql": 25}  # rounds in each of the long tests
SEEDS = [101, 102]


def crash(engine: str, folder: Path, plan: Plan, note: Note) -> None:
    port = free_port()
    words = command(folder, port, ENGINES[engine](folder))
    survive(Program(words, folder / "cse.log"), port, plan, note)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_few_crashes(engine: str, tmp_path: Path, record_property: Note) -> None:
    crash(engine, tmp_path, Plan(1, FEW), record_property)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("engine", MANY)
def test_many_crashes(engine: str, seed: int, tmp_path: Path, record_property: Note) -> None:
    crash(engine, tmp_path, Plan(seed, MANY[engine]), record_property)
