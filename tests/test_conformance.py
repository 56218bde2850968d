"""The conformance suite keeps its promises: each test serves a purpose, and every purpose is accounted for."""

import subprocess
import sys
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

from conformance.purposes import OWN, TS_0018, catalogue

ROOT = Path(__file__).parents[1]
FEWEST = 250


@cache
def purposes() -> dict[str, list[str]]:
    """The identifiers of every test run of the suite."""
    command = [sys.executable, "-m", "pytest", "conformance", "--purposes", "--quiet", "--numprocesses", "0"]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    rows = [line.split("\t") for line in output.splitlines() if line.startswith("conformance/")]
    return {test: identifiers for test, *identifiers in rows}


def test_there_are_enough_runs() -> None:
    assert len(purposes()) >= FEWEST


def test_every_test_has_a_purpose() -> None:
    assert not [test for test, identifiers in purposes().items() if not identifiers]


def test_every_purpose_exists() -> None:
    wanted, _ = catalogue()
    used = {identifier for identifiers in purposes().values() for identifier in identifiers}
    assert not {identifier for identifier in used if identifier not in wanted and not OWN.fullmatch(identifier)}


def test_every_purpose_has_a_test_or_a_reason() -> None:
    wanted, untested = catalogue()
    tested = {identifier for identifiers in purposes().values() for identifier in identifiers}
    assert set(wanted) == {identifier for identifier in tested if identifier.startswith(TS_0018)} | set(untested)
    assert not tested & set(untested)


def test_a_purpose_of_ours_belongs_to_one_test() -> None:
    tests = defaultdict(set)
    for test, identifiers in purposes().items():
        for identifier in filter(OWN.fullmatch, identifiers):
            tests[identifier].add(test.partition("[")[0])
    assert not {identifier: sorted(names) for identifier, names in tests.items() if len(names) > 1}


def test_every_difference_is_about_a_test_and_on_the_page() -> None:
    rows = tomllib.loads((ROOT / "conformance" / "differences.toml").read_text(encoding="utf-8"))["difference"]
    tests = {test.removeprefix("conformance/") for test in purposes()}
    known = tests | {test.partition("[")[0] for test in tests}
    page = " ".join((ROOT / "docs" / "conformance.md").read_text(encoding="utf-8").split())
    assert not [name for row in rows for name in row["tests"] if name not in known]
    assert not [row["reason"] for row in rows if row["reason"] not in page]
