"""Figures are medians, their ratios are to the reference of the same repetition, and targets are those of the table."""

from rich.console import Console

from benchmarks.figures import Figures, Goal, Measured, Row

RETRIEVE = Row("retrieve", "requests/s", (Goal("ratio", ">=", 0.5), Goal("p99", "<", 15)))
MEMORY = Row("memory", "KiB", (Goal("value", "<=", 1.0),))
REFERENCES = [Measured(1000, cpu=100), Measured(2000, cpu=110), Measured(1000, cpu=100)]


def measured(*values: float, p99: float = 10) -> Figures:
    figures = Figures()
    for value, reference in zip(values, REFERENCES, strict=True):
        figures.add({RETRIEVE: Measured(value, 5, p99, cpu=200), MEMORY: Measured(1.0)}, reference)
    return figures


def test_a_ratio_is_to_the_reference_of_the_same_repetition() -> None:
    retrieve, memory = measured(600, 800, 550).document()["rows"]
    assert (retrieve["median"], retrieve["lowest"], retrieve["highest"]) == (600, 550, 800)
    assert retrieve["ratios"] == [0.6, 0.4, 0.55]
    assert retrieve["cpu_ratios"] == [0.5, 0.55, 0.5]
    assert retrieve["ratio"] == 0.55
    assert retrieve["met"]
    assert memory["ratios"] == []
    assert memory["met"]


def test_every_target_of_a_row_must_be_met() -> None:
    assert not measured(600, 600, 400).document()["rows"][0]["met"]
    assert not measured(600, 2000, 600, p99=15).document()["rows"][0]["met"]


def test_the_table_shows_targets_and_verdicts() -> None:
    console = Console(width=140)
    with console.capture() as capture:
        console.print(measured(600, 800, 550).table())
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in capture.get().splitlines() if "│" in line]
    assert lines == [
        ["retrieve", "600", "requests/s", "0.550", "10.0", "x >= 0.5, p99 < 15", "yes", "200", "0.500", ""],
        ["memory", "1", "KiB", "", "", "<= 1", "yes", "", "", ""],
    ]
