"""Checks a store while a server works with it: first what the engine says of its files, then what is in them."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

from cse.storage.audit import RESTORE, Audit, Finding
from cse.storage.places import Place
from cse.store import Store, Transaction
from cse.work import Model, Work

MOST_FINDINGS = 1000


class Checked(NamedTuple):
    """What has been found, MOST_FINDINGS at most, and how many rows of each table have been looked at."""

    findings: list[Finding]
    rows: Mapping[str, int]

    def document(self, store: str) -> dict[str, Any]:
        """As JSON."""
        return {"store": store, "rows": dict(self.rows), "findings": [finding._asdict() for finding in self.findings]}


async def check(place: Place, model: Model, now: float) -> Checked:
    """ConfigurationError if the store can't be opened; if its files are damaged, their content is not looked at."""
    async with place.opened(reads_only=True) as store:
        damages = await _damages(store)
        if damages:
            return Checked([Finding("files", f"{damage}: {RESTORE}") for damage in damages[:MOST_FINDINGS]], {})
        return await store.read(lambda transaction: _look(transaction, model, now))


async def _damages(store: Store) -> list[str]:
    """What the engine finds; a file may be damaged so much that it can't even be checked."""
    try:
        return await store.check()
    except Exception as error:
        return [f"they cannot be read ({error})"]


def _look(transaction: Transaction, model: Model, now: float) -> Checked:
    audit = Audit(Work(transaction, model, now, reads_only=True))
    return Checked(list(islice(audit.findings(), MOST_FINDINGS)), audit.rows)
