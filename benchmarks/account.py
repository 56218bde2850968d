"""The account of a large campaign: everybody who was asked is in it, in one place."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from benchmarks.load import LoadError


def check_sum(report: Mapping[str, Any]) -> None:
    """LoadError unless the states of a report add up to the members."""
    if sum(report["states"].values()) != report["members"]:
        raise LoadError(f"the states do not add up to {report['members']}: {report['states']}")


class Account:
    """Of a finished campaign: its report, and the reason of every member that has not answered, by name."""

    def __init__(self, report: Mapping[str, Any], without_answer: Mapping[str, str], deaf: Collection[str]) -> None:
        self._report = report
        answered = report["states"]["answered"]
        if answered + len(without_answer) != report["members"]:
            raise LoadError(f"{answered} have answered and {len(without_answer)} have not, of {report['members']}")
        self._living = report["members"] - len(deaf)
        self._deaf = Counter(without_answer.get(name, "answered") for name in deaf)
        self._lost = Counter(reason for name, reason in without_answer.items() if name not in deaf)

    def lines(self) -> list[tuple[str, str]]:
        """Everything in words."""
        report = self._report
        answered = self._living - self._lost.total()
        return [
            ("states", _counts(report["states"])),
            ("live meters", f"{answered:,} of {self._living:,} answered; the others: {_counts(self._lost)}"),
            ("deaf meters", _counts(self._deaf)),
            ("discarded answers", _counts(report["discarded"])),
            *((f"network {name}", _counts(totals)) for name, totals in report["networks"].items()),
        ]


def _counts(counted: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {count:,.10g}" for name, count in counted.items()) or "none"
