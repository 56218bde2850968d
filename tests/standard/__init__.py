"""What the standard says, as tables: what the declarations in `resources` are checked against."""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

AROUND_LISTS = {"m2m:scheduleEntries"}  # objects whose member is the list


class Fact(NamedTuple):
    """One row of a type's attribute table. `release` is "3", or "later" for what came after Release 3."""

    resource_type: str
    short_name: str
    attribute: str
    data_type: str
    cardinality: str
    create: str
    update: str
    release: str

    @property
    def is_list(self) -> bool:
        return self.cardinality.endswith("(L)") and self.data_type not in AROUND_LISTS

    @property
    def always_there(self) -> bool:
        """`0..1(note)`: absent only in announced resources and the like."""
        return self.cardinality.removesuffix("(L)") in ("1", "0..1(note)")


@cache
def facts() -> tuple[Fact, ...]:
    """All rows of attributes.csv."""
    with Path(__file__).with_name("attributes.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Fact(**row) for row in csv.DictReader(file))


def attributes_of(resource_type: str, release: str) -> dict[str, Fact]:
    """The rows of one type by short name."""
    rows = (fact for fact in facts() if fact.resource_type == resource_type and fact.release == release)
    return {fact.short_name: fact for fact in rows}
