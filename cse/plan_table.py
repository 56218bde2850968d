"""A plan as tables for people (`cse plan`)."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table
from rich.text import Text

Document = dict[str, Any]


def plan_tables(plan: Document) -> Iterator[Table]:
    """What would be sent; then, for each set of members that can be reached in the same ways, what was weighed."""
    yield _transmissions(plan)
    yield _signatures(plan)


def _transmissions(plan: Document) -> Table:
    not_asked = ", ".join(f"{count} x {code}" for code, count in plan["notAsked"].items())
    title = (
        f"{plan['group']}: {plan['members']:,} hosts, {plan['unserved']:,} without a network, cost {plan['cost']:,},"
        f" by unicast alone {plan['unicastCost']:,}" + (f"; not asked: {not_asked}" if not_asked else "")
    )
    table = Table("network", "offer", "members", "cost", title=title, title_justify="left")
    fixed = {(item["offer"], item["address"]): item["fixed"] for item in plan["transmissions"]}
    totals: dict[tuple[str, str, str], list[int]] = {}
    for signature in plan["signatures"]:
        chosen = signature["chosen"]
        if chosen:
            row = totals.setdefault((chosen["network"], chosen["offer"], chosen["address"]), [0, 0])
            row[0] += signature["members"]
            row[1] += signature["members"] * chosen["unit"]
    for (network, offer, address), (members, cost) in totals.items():
        table.add_row(network, offer, f"{members:,}", f"{cost + fixed.get((offer, address), 0):,}")
    return table


def _signatures(plan: Document) -> Table:
    table = Table(
        "members", "", "offer", "unit cost", "from members", "why not", title="what was weighed", title_justify="left"
    )
    for signature in plan["signatures"]:
        rows = list(_rows(signature))
        first = f"{signature['members']:,}: {', '.join(signature['examples'][:2])}"
        for index, row in enumerate(rows):
            # As text: what stands in square brackets, a section of the settings for example, is no markup.
            table.add_row(*map(Text, (first if index == 0 else "", *row)), end_section=index == len(rows) - 1)
    return table


def _rows(signature: Document) -> Iterator[tuple[str, ...]]:
    if signature["chosen"]:
        yield ("chosen", *_price(signature["chosen"]), "")
    for alternative in signature["alternatives"]:
        yield ("alternative", *_price(alternative), "")
    elsewhere = [exclusion["offer"] for exclusion in signature["exclusions"] if exclusion["reason"] == "NO_POA"]
    for exclusion in signature["exclusions"]:
        if exclusion["reason"] != "NO_POA":
            yield ("excluded", exclusion["offer"], "", "", f"{exclusion['reason']} {exclusion['detail']}".strip())
    if elsewhere:
        yield ("excluded", ", ".join(elsewhere), "", "", "NO_POA no address of theirs")


def _price(price: Document) -> tuple[str, str, str]:
    break_even = price.get("breakEven")
    return price["offer"], f"{price['unit']:,}", "" if break_even is None else f"{break_even:.1f}"
