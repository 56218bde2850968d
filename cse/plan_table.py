"""A plan as tables for people (`cse plan`)."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table

Document = dict[str, Any]


def plan_tables(plan: Document) -> Iterator[Table]:
    """What is sent, then for each set of members that can be reached in the same ways what was weighed."""
    yield _transmissions(plan)
    for number, signature in enumerate(plan["signatures"], 1):
        yield _signature(number, signature)


def _transmissions(plan: Document) -> Table:
    not_asked = ", ".join(f"{count} x {code}" for code, count in plan["notAsked"].items())
    table = Table(
        "network",
        "offer",
        "members",
        "cost",
        title=f"{plan['group']}: {plan['members']} hosts, cost {plan['cost']:,}"
        f" (unicast alone {plan['unicastCost']:,}), unserved {plan['unserved']}"
        + (f", not asked {not_asked}" if not_asked else ""),
    )
    fixed = {(item["offer"], item["address"]): item["fixed"] for item in plan["transmissions"]}
    totals: dict[tuple[str, str, str], list[int]] = {}
    for signature in plan["signatures"]:
        chosen = signature["chosen"]
        if chosen:
            row = totals.setdefault((chosen["network"], chosen["offer"], chosen["address"]), [0, 0])
            row[0] += signature["members"]
            row[1] += signature["members"] * chosen["unit"]
    for (network, offer, address), (members, cost) in totals.items():
        table.add_row(
            network, f"{offer} {address}".strip(), f"{members:,}", f"{cost + fixed.get((offer, address), 0):,}"
        )
    return table


def _signature(number: int, signature: Document) -> Table:
    examples = ", ".join(signature["examples"][:3])
    table = Table(
        "",
        "offer",
        "unit cost",
        "break-even",
        "why not",
        title=f"{number}. {signature['members']:,} members: {examples} ...",
    )
    chosen = signature["chosen"]
    if chosen:
        table.add_row("chosen", *_price(chosen), "")
    for alternative in signature["alternatives"]:
        table.add_row("alternative", *_price(alternative), "")
    for exclusion in signature["exclusions"]:
        why = f"{exclusion['reason']} {exclusion['detail']}".strip()
        table.add_row("excluded", exclusion["offer"], "", "", f"{why} ({exclusion['count']:,})")
    return table


def _price(price: Document) -> tuple[str, str, str]:
    break_even = price.get("breakEven")
    return price["offer"], f"{price['unit']:,}", "" if break_even is None else f"{break_even:.1f}"
