"""Servers are killed over every engine that lasts: a few times in every run, many times in the long one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.crash.driver import Plan
from tests.crash.runs import Note, free_port, program, survive

FEW = 3
ENGINES: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite:///{folder / 'data' / 'cse.sqlite'}",
    "tinydb": lambda folder: f"tinydb:///{folder / 'data' / 'cse'}",
}
MANY = {"sqlite": 25, "tinydb": 5}  # rounds in each of the long tests
SEEDS = [101, 102]


def crash(engine: str, folder: Path, plan: Plan, note: Note) -> None:
    port = free_port()
    survive(program(folder, port, ENGINES[engine](folder)), port, plan, note)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_few_crashes(engine: str, tmp_path: Path, record_property: Note) -> None:
    crash(engine, tmp_path, Plan(1, FEW), record_property)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("engine", MANY)
def test_many_crashes(engine: str, seed: int, tmp_path: Path, record_property: Note) -> None:
    crash(engine, tmp_path, Plan(seed, MANY[engine]), record_property)
