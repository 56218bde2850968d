"""What was measured: figures by line, over several repetitions, and their ratios to the reference."""

from collections import defaultdict
from collections.abc import Mapping
from statistics import median
from typing import NamedTuple

from rich.table import Table

REFERENCE = "reference: bare POST"


class Line(NamedTuple):
    """One line of the table. `compared` is the number of connections of the reference that it is divided by."""

    what: str
    store: str
    connections: int
    unit: str
    compared: int | None = None


class Figures:
    """All measurements of a run, in the order of their first appearance."""

    def __init__(self) -> None:
        self._values: defaultdict[Line, list[float]] = defaultdict(list)
        self._ratios: defaultdict[Line, list[float]] = defaultdict(list)
        self._reference: dict[int, float] = {}

    def add(self, measured: Mapping[Line, float]) -> None:
        """The figures of one repetition; their ratios are those to the reference that was measured last before."""
        for line, value in measured.items():
            self._values[line].append(value)
            if line.what == REFERENCE:
                self._reference[line.connections] = value
            elif line.compared is not None:
                self._ratios[line].append(value / self._reference[line.compared])

    def table(self) -> Table:
        """Median, lowest and highest of each line, and the median of its ratios."""
        table = Table("what", "store", "connections", "median", "lowest", "highest", "unit", "times the reference")
        for column in table.columns[2:6] + table.columns[7:]:
            column.justify = "right"
        for line, values in self._values.items():
            figures = [_readable(value) for value in (median(values), min(values), max(values))]
            ratios = self._ratios.get(line)
            compared = f"{median(ratios):.3f} (at {line.compared})" if ratios else ""
            table.add_row(line.what, line.store, str(line.connections), *figures, line.unit, compared)
        return table


def _readable(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3f}"
