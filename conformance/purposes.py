"""Which test purpose a test serves, and the catalogue of those of TS-0018."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

TS_0018 = "TP/oneM2M/CSE/"
# Purposes of ours, for what the list of TS-0018 at hand has no number for; each belongs to one test.
OWN = re.compile(r"TP/own/CSE/[A-Z]+/([A-Z]+/)?\d{3}")
CATALOGUE = Path(__file__).with_name("purposes.toml")


def purpose(*identifiers: str) -> pytest.MarkDecorator:
    """Marks a test with the identifiers of its test purposes: `@purpose("TP/oneM2M/CSE/DMR/CRE/003")`."""
    return pytest.mark.purpose(*identifiers)


def case(identifiers: str | Iterable[str], *values: Any) -> Any:
    """Parameters of a test that serve test purposes of their own."""
    marked = purpose(identifiers) if isinstance(identifiers, str) else purpose(*identifiers)
    return pytest.param(*values, marks=marked)


def purposes_of(item: pytest.Item) -> list[str]:
    """The identifiers of a test, those of its parameters included."""
    return sorted({identifier for mark in item.iter_markers("purpose") for identifier in mark.args})


def catalogue() -> tuple[dict[str, str], dict[str, str]]:
    """Full identifiers of TS-0018: what each wants, and why those without a test have none."""
    tables = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    wanted, missing = ({TS_0018 + key: text for key, text in tables[name].items()} for name in ("wanted", "untested"))
    return wanted, missing
