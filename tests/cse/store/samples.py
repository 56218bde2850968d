"""What the tests of the store put into it."""

from collections.abc import Sequence
from typing import Any

from cse.store import Campaign, Resource, Row, Search, Transaction, Unit


def resource(path: str, ty: int = 3, **attributes: Any) -> Resource:
    """A resource whose identifier is its path, so that its parent's is the path's beginning."""
    parent, _, name = path.rpartition("/")
    return Resource(path, "Ctester", {"ri": path, "pi": parent, "rn": name, "ty": ty, **attributes})


def inserting(*paths: str, ty: int = 3, **attributes: Any) -> Unit[None]:
    """A unit that inserts resources at these paths."""

    def insert(transaction: Transaction) -> None:
        for path in paths:
            transaction.resources.insert(resource(path, ty, **attributes))

    return insert


def paths(transaction: Transaction) -> list[str]:
    """Where there are resources below `cse`, which need not exist itself."""
    return [found.path for found in transaction.resources.search(Search("cse"))]


def campaign(sequence: int, state: str = "RUNNING", **changes: Any) -> Campaign:
    fields: dict[str, Any] = {
        "group": "group-1",
        "request": b'{"op": 2}',
        "request_resource": "",
        "created": 100.0,
        "deadline": 200.5,
    }
    return Campaign(id=f"campaign-{sequence}", sequence=sequence, state=state, **(fields | changes))


def rows(targets: Sequence[str], state: str = "WAITING", **changes: Any) -> list[Row]:
    return [
        Row(position, f"cse/{target}", target, f"C{target}", state, **changes)
        for position, target in enumerate(targets)
    ]
