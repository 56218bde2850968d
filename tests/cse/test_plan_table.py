"""A plan as tables for people."""

import io
from typing import Any

from rich.console import Console

from cse.plan_table import plan_tables
from tests.cse.fanout.scenario import scenario


def printed(plan: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=200)
    for table in plan_tables(plan):
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def cells(text: str, beginning: str) -> list[str]:
    """The cells of the first row that has one that begins so."""
    rows = ([cell.strip() for cell in line.split("│")] for line in text.splitlines())
    return next(row for row in rows if any(cell.startswith(beginning) for cell in row))


async def test_what_is_sent_and_what_was_weighed() -> None:
    async with scenario() as city:
        members = [
            *await city.meters(4, "air"),
            await city.meter("both", "air://both", "wire://both"),
            await city.meter("w", "wire://w"),
            await city.meter("far", "pigeon://loft"),
        ]
        await city.create("cse-in", 3, "cnt", rn="box")
        await city.group([*members, "cse-in/box"])
        plan = await city.plan("cse-in/city")
        text = printed(plan)
        assert "cse-in/city: 7 hosts, 1 without a network" in text
        assert "not asked: 1 x 4005" in " ".join(text.split())
        transmission = cells(text, "air-broadcast")
        assert [cell for cell in transmission if cell] == ["air", "air-broadcast", "5", "950"]
        assert "1: Cfar" in text
        assert "NO_POA no address of theirs" in text
        assert "alternative" in text


def test_what_stands_in_brackets_is_shown() -> None:
    exclusion = {"offer": "air", "reason": "OFFLINE", "count": 1, "detail": "set root in [air]"}
    signature = {"members": 1, "examples": ["Cm"], "chosen": None, "alternatives": [], "exclusions": [exclusion]}
    sums = {"members": 1, "unserved": 1, "cost": 0, "unicastCost": 0, "notAsked": {}, "transmissions": []}
    assert "OFFLINE set root in [air]" in printed({"group": "city", "signatures": [signature], **sums})


async def test_an_empty_plan() -> None:
    async with scenario() as city:
        await city.create("cse-in", 3, "cnt", rn="box")
        await city.group(["cse-in/box"])
        assert "0 hosts" in printed(await city.plan("cse-in/city"))
