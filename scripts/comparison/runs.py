"""Runs of the conformance suite, and what came out of them."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
PYTEST = [sys.executable, "-m", "pytest", "conformance", "--quiet", "--numprocesses", "0", "-p", "no:cacheprovider"]

Outcomes = dict[str, bool]


def purposes() -> dict[str, list[str]]:
    """The identifiers of every test."""
    output = subprocess.run([*PYTEST, "--purposes"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    rows = [line.split("\t") for line in output.splitlines() if line.startswith("conformance/")]
    return {test.removeprefix("conformance/"): identifiers for test, *identifiers in rows}


def outcomes(folder: Path, *options: str) -> Outcomes:
    """Whether each test passes."""
    report = folder / "report.xml"
    subprocess.run([*PYTEST, "--tb=no", "--no-summary", f"--junit-xml={report}", *options], cwd=ROOT, check=False)
    return {name(case): passed(case) for case in ElementTree.parse(report).iter("testcase")}  # our own file


def name(case: ElementTree.Element) -> str:
    """As `purposes` has it."""
    module = case.attrib["classname"].removeprefix("conformance.")
    return f"{module}.py::{case.attrib['name']}"


def passed(case: ElementTree.Element) -> bool:
    return not {"failure", "error"} & {child.tag for child in case}
