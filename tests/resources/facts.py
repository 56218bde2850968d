"""Attribute tables of Release 3 in short: `<short name> <create> <update> <1 if it must exist, else 0>; ...`."""

from cse.resource import ResourceType


def read(text: str) -> set[str]:
    """The rows of a table that is written in short."""
    return {" ".join(row.split()) for row in text.split(";")}


def declared(kind: ResourceType) -> set[str]:
    """The rows that a resource type declares, in the same form."""
    rows = kind.attributes.values()
    return {f"{row.short_name} {row.create.value} {row.update.value} {int(row.required)}" for row in rows}


def declared_names(kind: ResourceType) -> set[str]:
    """The short names of its attributes."""
    return set(kind.attributes)
