"""What was measured: figures by row, over several repetitions, their ratios to the reference, and the targets."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal, NamedTuple

from rich.table import Table

HEADINGS = ("scenario", "today", "unit", "x ref.", "p99 ms", "target", "met", "CPU us", "x CPU", "driver")
RIGHT = {"today", "x ref.", "p99 ms", "CPU us", "x CPU", "driver"}
Figure = Literal["value", "ratio", "p99"]
NAMES: dict[Figure, str] = {"value": "", "ratio": "x ", "p99": "p99 "}


class Goal(NamedTuple):
    """A target: the `figure` of a row is to be at least or at most `bound`."""

    figure: Figure
    direction: Literal[">=", "<=", "<"]
    bound: float

    def __str__(self) -> str:
        return f"{NAMES[self.figure]}{self.direction} {self.bound:,g}"

    def met(self, value: float) -> bool:
        """Whether a value reaches it."""
        return {">=": value >= self.bound, "<=": value <= self.bound, "<": value < self.bound}[self.direction]


class Row(NamedTuple):
    """A row of the table. A figure per second is divided by the reference's requests per second."""

    name: str
    unit: str
    goals: tuple[Goal, ...] = ()

    @property
    def compared(self) -> bool:
        return self.unit.endswith(("/s", "per s"))


class Measured(NamedTuple):
    """One measurement: milliseconds of requests, microseconds of the server's CPU for each of what the unit counts,
    the share of a core that the load generator took."""

    value: float
    p50: float | None = None
    p99: float | None = None
    cpu: float | None = None
    driver: float | None = None


@dataclass
class Series:
    """The measurements of a row, and what the reference answered in a second right before each."""

    row: Row
    measured: list[Measured] = field(default_factory=list)
    reference: list[Measured] = field(default_factory=list)

    def median(self, figure: str) -> float | None:
        """Of the repetitions, None if it was not measured; `ratio` and `cpu_ratio` are those to the reference."""
        ratios = {"ratio": self.ratios, "cpu_ratio": self.cpu_ratios}
        values = ratios[figure]() if figure in ratios else [getattr(each, figure) for each in self.measured]
        known = [value for value in values if value is not None]
        return median(known) if known else None

    def ratios(self) -> list[float]:
        """One per repetition; none if the row is not compared."""
        pairs = zip(self.measured, self.reference, strict=True)
        return [each.value / reference.value for each, reference in pairs] if self.row.compared else []

    def cpu_ratios(self) -> list[float]:
        """What one costs the reference, divided by what one costs here: 1.0 is as cheap as an empty request."""
        pairs = zip(self.measured, self.reference, strict=True)
        known = [(each.cpu, reference.cpu) for each, reference in pairs if each.cpu and reference.cpu]
        return [reference / own for own, reference in known] if self.row.compared else []

    def met(self) -> bool | None:
        """Whether the medians reach all targets, None if there are none."""
        found = [(goal, self.median(goal.figure)) for goal in self.row.goals]
        return all(value is not None and goal.met(value) for goal, value in found) if found else None

    def cells(self) -> Iterator[str]:
        """As in `HEADINGS`."""
        yield from (self.row.name, _readable(self.median("value")), self.row.unit)
        yield from (_fixed(self.median("ratio"), 3), _fixed(self.median("p99"), 1))
        yield from (", ".join(map(str, self.row.goals)), {None: "", True: "yes", False: "no"}[self.met()])
        driver = self.median("driver")
        yield from (
            _fixed(self.median("cpu"), 0),
            _fixed(self.median("cpu_ratio"), 3),
            "" if driver is None else f"{driver:.0%}",
        )

    def document(self) -> dict[str, Any]:
        """For JSON; the values are in the order of the repetitions."""
        values = [each.value for each in self.measured]
        return {
            "scenario": self.row.name,
            "unit": self.row.unit,
            "median": median(values),
            "lowest": min(values),
            "highest": max(values),
            "ratio": self.median("ratio"),
            "targets": [goal._asdict() for goal in self.row.goals],
            "met": self.met(),
            "repetitions": [each._asdict() for each in self.measured],
            "ratios": self.ratios(),
            "cpu_ratios": self.cpu_ratios(),
            "references": [each._asdict() for each in self.reference],
        }


class Figures:
    """All measurements of a run, in the order of their first appearance; and the scenarios that failed, and why."""

    def __init__(self) -> None:
        self._series: dict[str, Series] = {}
        self.failed: dict[str, str] = {}

    def add(self, measured: dict[Row, Measured], reference: Measured) -> None:
        """The figures of one repetition; the reference was measured right before."""
        for row, figures in measured.items():
            series = self._series.setdefault(row.name, Series(row))
            series.measured.append(figures)
            series.reference.append(reference)

    def table(self) -> Table:
        """A row for each."""
        table = Table()
        for heading in HEADINGS:
            table.add_column(heading, justify="right" if heading in RIGHT else "left", no_wrap=heading != "scenario")
        for series in self._series.values():
            table.add_row(*series.cells())
        return table

    def document(self) -> dict[str, Any]:
        """The same for JSON, with every repetition."""
        return {"rows": [series.document() for series in self._series.values()], "failed": self.failed}


def _readable(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3f}"


def _fixed(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:.{places}f}"
