"""What the demonstration shows."""

from collections import Counter
from typing import Any

from rich.progress_bar import ProgressBar
from rich.table import Table


def progress_table(report: dict[str, Any], seconds: float) -> Table:
    """One line per network."""
    table = Table(f"after {seconds:.1f} s", "answered", "of", "transmissions", "", box=None, padding=(0, 3, 0, 0))
    for name, row in sorted(report["networks"].items()):
        bar = ProgressBar(total=max(1, row["members"]), completed=row["answered"], width=30)
        table.add_row(name, str(row["answered"]), str(row["members"]), str(row.get("transmissions", 0)), bar)
    return table


def rate(meters: set[str], readings: Counter[str], hours: float) -> str:
    """Readings per meter and hour."""
    return f"{sum(readings[meter] for meter in meters) / max(1, len(meters)) / hours:.1f}"


def closing_table(report: dict[str, Any], failed: list[dict[str, Any]]) -> Table:
    """What each network has done; `failed` are the members without an answer."""
    table = Table("network", "members", "transmissions", "answered", "repaired", "failed", "seconds", "airtime (s)")
    for name, row in sorted(report["networks"].items()):
        reasons = Counter(member["reason"] for member in failed if member["network"] == name)
        table.add_row(
            name,
            str(row["members"]),
            str(row["transmissions"]),
            str(row["answered"]),
            str(row["repaired"]),
            ", ".join(f"{count} {reason}" for reason, count in reasons.items()),
            f"{row['seconds']:.1f}",
            f"{row['airtimeMs'] / 1000:.1f}",
        )
    return table
