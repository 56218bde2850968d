"""One command prints the whole table and writes it as JSON; what it measures is not judged."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import servers
from benchmarks.load import Requests, once
from benchmarks.subject import ADMINISTRATOR
from tests.benchmarks.running import output

MACHINE = [r"CPU .*\d+ cores", r"memory .*GiB", r"versions .*python \d.*cse \d.*starlette \d.*uvicorn \d.*orjson \d"]
TARGETS = {
    "reference: bare Starlette POST": "",
    "reference at 64 connections": "",
    "info: bare ASGI POST": "",
    "retrieve a container": "x >= 0.8",
    "retrieve `la`": "x >= 0.7",
    "create contentInstance": "x >= 0.4, p99 < 15",
    "create contentInstance, 64 connections": "x >= 0.55",
    "discovery, label, 10 of 20 resources": ">= 1,500",
    "fan-out create, 20 local containers": ">= 15,000",
    "... requests of others meanwhile": "p99 < 50",
    "campaign, 20 UDP meters, window 1 s": "< 3",
    "campaign, 20 HTTP, new connections": ">= 2,500",
    "campaign, 20 HTTP, kept connections": ">= 6,000",
    "notifications over kept HTTP connections": ">= 4,000",
    "plan for 200 members, 8 offers": "< 150",
    "... longest stall of the loop meanwhile": "<= 20",
    "memory per AE": "<= 1",
    "memory per container": "<= 1",
    "memory per content instance": "<= 0.1",
    "info: all memory with 280 resources": "",
    "start with 200 resources": "< 1",
    "info: all of /.cse/plan, 200 members": "",
    "info: ... longest stall of the server": "",
}
GROWTH = [
    f"{operation}, {size} resources, {where}"
    for size in (100, 200)
    for where in ("all over", "in one")
    for operation in ("retrieve", "create")
]
SINGLE = (*list(TARGETS)[:8], *GROWTH)

pytestmark = pytest.mark.long


def measured(folder: Path, *options: str) -> tuple[str, dict[str, dict[str, Any]]]:
    """The table as text, and the rows of the JSON document by name."""
    file = folder / "figures.json"
    text = output("benchmarks", "--quick", "--json", str(file), "--folder", str(folder), *options)
    rows = json.loads(file.read_bytes())["rows"]
    return text, {row["scenario"]: row for row in rows}


def check_single(row: dict[str, Any]) -> None:
    (repetition,) = row["repetitions"]
    assert row["ratios"] == [row["median"] / row["references"][0]["value"]]
    assert row["lowest"] == row["highest"] == row["median"] == repetition["value"]
    assert 0 < repetition["p50"] <= repetition["p99"]
    assert 0 < repetition["driver"] < 1


def test_the_quick_run_has_every_row_with_its_target(tmp_path: Path) -> None:
    text, rows = measured(tmp_path)
    assert [line for line in MACHINE if not re.search(line, text)] == []
    assert list(rows) == list(TARGETS)
    for name, target in TARGETS.items():
        verdict = {True: "yes", False: "no", None: ""}[rows[name]["met"]]
        assert re.search(rf"{re.escape(name)} .*[│|] {re.escape(target)} *[│|] {verdict} *[│|]", text), name
        assert bool(verdict) is bool(target)
    for name in SINGLE[:8]:
        check_single(rows[name])


def test_growth_is_measured_at_each_size_all_over_the_tree_and_in_one_place(tmp_path: Path) -> None:
    _, rows = measured(tmp_path, "--only", "growth")
    assert list(rows) == GROWTH
    for row in rows.values():
        check_single(row)


async def test_another_cse_is_measured_with_what_is_pure_onem2m(tmp_path: Path) -> None:
    async with servers.cse(tmp_path) as other:
        options = "--cse", "http://{}:{}/cse-in".format(*other.address), "--header", "X-M2M-RVI: 4"
        _, rows = await asyncio.to_thread(measured, tmp_path, *options)
        children = await once(other.address, Requests("GET", "/cse-in?fu=1&ty=2", ADMINISTRATOR))
    assert children == {"m2m:uril": []}
    others = ("campaign", "plan", "memory", "start", "info: all", "info: ...", "... longest")
    assert list(rows) == [name for name in TARGETS if not name.startswith(others)]
