"""docs/conformance.md: results side by side, and why each test that only we pass is right."""

import textwrap
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.purposes import TS_0018, catalogue

DIFFERENCES = Path(__file__).parents[2] / "conformance" / "differences.toml"
WIDTH = 120
AREAS = {
    "REG": "registration",
    "DMR": "data management",
    "TS": "time series",
    "DM": "nodes, management objects, flexContainers",
    "GEN": "addressing",
    "DIS": "discovery",
    "SEC": "access control",
    "SUB": "subscription and notification",
    "GMG": "groups",
    "REQ": "non-blocking requests",
    "PCH": "polling channel",
    "BND": "HTTP binding",
}
NOT_BLACK_BOX = {"LOC": "location policies", "ANNC": "announcements"}

PAGE = """\
<!-- Written by scripts/conformance; change conformance/ instead. -->

# Conformance

`conformance/` has black-box tests of any CSE over HTTP, by the test purposes of TS-0018:

```bash
pytest conformance                                        # this server
pytest conformance --cse http://127.0.0.1:8080 --cse-id /id-in --cse-name cse-in --originator CAdmin
pytest conformance --purposes                             # which test serves which purpose
```

The suite is tested itself by running it against another implementation. `scripts/conformance` installs one, runs the
suite against both servers, and writes this page. `conformance/differences.toml` says why each test is right that the
other one fails; where the standard leaves a choice, a test takes all of them.

## Results

The column on the right is for {version}, in memory and with its defaults. *Purposes* are those of
TS-0018: how many have a test, of all.

| area | purposes | runs | this server | {peer} |
| --- | ---: | ---: | ---: | ---: |
{results}

## Tests that {peer} fails

{differences}
## Purposes without a test

{untested}
"""


@dataclass(frozen=True)
class Difference:
    """Why tests that the other CSE fails are right; `file.py::test` is meant with all its parameters or with one."""

    reason: str
    tests: list[str]

    def covers(self, test: str) -> bool:
        return test in self.tests or test.partition("[")[0] in self.tests


@dataclass(frozen=True)
class Comparison:
    """The purposes of each test, and whether it passes on either side."""

    purposes: dict[str, list[str]]
    ours: dict[str, bool]
    theirs: dict[str, bool]

    def failures(self) -> list[str]:
        """What the other CSE fails."""
        return sorted(test for test in self.purposes if not self.theirs[test])


def differences() -> tuple[dict[str, str], list[Difference]]:
    """The other CSE's `name`, `package` and `program`, and the reasons."""
    table = tomllib.loads(DIFFERENCES.read_text(encoding="utf-8"))
    return table["peer"], [Difference(**row) for row in table["difference"]]


def complaints(comparison: Comparison, reasons: list[Difference]) -> Iterator[str]:
    """What has to be looked at before the page is true."""
    for test, passed in comparison.ours.items():
        if not passed:
            yield f"this server fails {test}"
    for test in comparison.failures():
        if not any(reason.covers(test) for reason in reasons):
            yield f"no reason why {test} is right"
    for reason in reasons:
        for test in reason.tests:
            if not any(Difference("", [test]).covers(failure) for failure in comparison.failures()):
                yield f"a reason for {test}, which is passed or not there"


def page(comparison: Comparison, peer: dict[str, str], reasons: list[Difference]) -> str:
    return PAGE.format(
        peer=peer["name"],
        version=f"{peer['name']} ({peer['package']})",
        results="\n".join(results(comparison)),
        differences="\n".join(section(comparison, reason) for reason in reasons),
        untested="\n".join(untested()),
    )


def area(identifier: str) -> str:
    return identifier.split("/")[3]


def results(comparison: Comparison) -> Iterator[str]:
    """A row for each area, and the sum."""
    wanted, missing = catalogue()
    for key, title in {**AREAS, **NOT_BLACK_BOX}.items():
        all_of_them = [identifier for identifier in wanted if area(identifier) == key]
        tested = [identifier for identifier in all_of_them if identifier not in missing]
        tests = [test for test, identifiers in comparison.purposes.items() if area(identifiers[0]) == key]
        yield row(title, f"{len(tested)} of {len(all_of_them)}" if all_of_them else "", tests, comparison)
    yield row("**all**", f"{len(wanted) - len(missing)} of {len(wanted)}", comparison.purposes, comparison)


def row(title: str, purposes: str, tests: Iterable[str], comparison: Comparison) -> str:
    tests = list(tests)
    ours, theirs = (sum(side[test] for test in tests) for side in (comparison.ours, comparison.theirs))
    return f"| {title} | {purposes} | {len(tests)} | {ours} | {theirs} |"


def section(comparison: Comparison, difference: Difference) -> str:
    """A reason, and the tests that it is for, each function once."""
    failures = [test for test in comparison.failures() if difference.covers(test)]
    lines = [wrapped(difference.reason), ""]
    for function in dict.fromkeys(test.partition("[")[0] for test in failures):
        runs = [test for test in failures if test.partition("[")[0] == function]
        purposes = sorted({identifier for test in runs for identifier in comparison.purposes[test]})
        count = f", {len(runs)} runs" if len(runs) > 1 else ""
        lines.append(wrapped(f"- `{function}`{count}: {', '.join(purposes)}"))
    return "\n".join([*lines, ""])


def untested() -> Iterator[str]:
    """The purposes of TS-0018 that nothing serves, by their reasons."""
    _, missing = catalogue()
    for reason in dict.fromkeys(missing.values()):
        names = [key.removeprefix(TS_0018) for key, value in missing.items() if value == reason]
        yield wrapped(f"- {', '.join(names)}: {reason}")


def wrapped(text: str) -> str:
    """Lines as long as those of the other pages; those of an item of a list are indented."""
    indent = "  " if text.startswith("- ") else ""
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
