"""What units have done that the file does not have yet, collected until it is written at once."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from cse.store import Resource, Row, Transaction
from cse.store.worker import Outcome


class Waiting(NamedTuple):
    """A unit that has run, what came of it, and who waits until that is durable."""

    unit: Callable[[Transaction], Any]
    outcome: Outcome
    future: asyncio.Future[Outcome]


class Change(NamedTuple):
    """A resource that is in the file already: as it is now; whether its expirationTime, its lists of texts differ."""

    resource: Resource
    ends_otherwise: bool
    is_found_otherwise: bool


class NewEffect(NamedTuple):
    """An effect that was added; its document is JSON."""

    id: int
    kind: str
    document: bytes
    lane: str


class Batch:
    """Only the last state of each resource counts. `number` rises from batch to batch.

    What is `removed` is in the file, `inserted` comes with its place in the order of creation. `alarms` are due at a
    moment, or not set any more. `campaigns` are their changeable fields, `rows` their
    members, by campaign and position. `size` is about
    how many bytes a document has, once they have been written.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.removed: dict[str, Resource] = {}
        self.inserted: dict[str, tuple[int, Resource]] = {}
        self.changed: dict[str, Change] = {}
        self.effects: dict[int, NewEffect] = {}
        self.claimed: dict[int, None] = {}
        self.carried_out: dict[int, None] = {}
        self.alarms: dict[tuple[str, str], float | None] = {}
        self.campaigns: dict[str, tuple[Any, ...]] = {}
        self.rows: dict[str, dict[int, Row]] = {}
        self.waiting: list[Waiting] = []
        self.size = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        changed = self.removed or self.inserted or self.changed or self.alarms or self.campaigns or self.rows
        return not (changed or self.effects or self.claimed or self.carried_out)
