"""Where everything durable lives, behind one contract: a unit of work is a synchronous function of a transaction.

`await store.run(unit)` returns after the durable commit of what the unit did. What every engine promises:

- Atomicity: a unit that raises leaves nothing behind and raises here; after a crash a unit is there as a whole or not
  at all, and one whose `run` has returned is there. What could not be made durable raises.
- Isolation: units take effect as if one ran after the other. A unit may be run again, so it has no effects outside its
  transaction, and what it raises may come from its last run only.
- Visibility: a unit, whether it reads or writes, sees everything that `run` had acknowledged before it was called, in
  whatever process; nothing of a unit that is under way or has failed.
- Place: a unit runs in the thread of the event loop or in another one, and may be begun in the one and run again in the
  other; it uses its transaction only, and neither waits nor starts anything.
- Order: of two units that one process calls one after the other, without waiting for the first one, either may be the
  first in the store. Children, effects and what waits in queues come in the order of the units that added them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from tinydb.storages import Storage

from cse.store.company import Alone, Company
from cse.store.records import Alarm, Campaign, Effect, Queued, Resource, Row, Search
from cse.store.tables import Alarms, Campaigns, Effects, Lists, Queues, Resources, Table

__all__ = [
    "Alarm",
    "Alarms",
    "Campaign",
    "Campaigns",
    "Company",
    "Effect",
    "Effects",
    "Lists",
    "Queued",
    "Queues",
    "Resource",
    "Resources",
    "Row",
    "Search",
    "Store",
    "Transaction",
    "Unit",
]

T = TypeVar("T")


class Transaction(ABC):
    """What a unit of work sees."""

    resources: Resources
    lists: Lists
    campaigns: Campaigns
    effects: Effects
    alarms: Alarms
    queues: Queues

    @property
    def tables(self) -> Mapping[str, Table]:
        """All of it by name, in the order in which another store can take it."""
        return {
            "resources": self.resources,
            "lists": self.lists,
            "alarms": self.alarms,
            "queues": self.queues,
            "campaigns": self.campaigns,
            "effects": self.effects,
        }

    @abstractmethod
    def savepoint(self) -> AbstractContextManager[None]:
        """A part that is undone on its own when it raises; the exception passes through."""


Unit = Callable[[Transaction], T]


class Store(ABC):
    """One storage engine. `company` are the processes that serve it; most engines can be served by one only."""

    company: Company = Alone()

    @abstractmethod
    async def open(self, *, reads_only: bool = False) -> None:
        """Get ready; create what is missing and bring tables of an earlier release up to date.

        A second server is refused where there can be one only. With `reads_only`, nothing is written or locked, so
        that tools can read what a running server has. ConfigurationError with the remedy if it can't be used.
        """

    @abstractmethod
    async def run(self, unit: Unit[T]) -> T:
        """Run a unit and return its result after the durable commit."""

    @abstractmethod
    async def read(self, unit: Unit[T]) -> T:
        """Run a unit that only reads; it sees everything that was acknowledged before, and that at one moment."""

    @abstractmethod
    async def close(self) -> None:
        """Finish what was accepted and release everything."""

    @abstractmethod
    def documents(self, name: str) -> Storage:
        """Where the TinyDB of this name keeps what a network must remember; what `write` has returned from is durable.

        Only the conductor of the company uses it. Any thread may, one at a time.
        """

    @abstractmethod
    def document_names(self) -> list[str]:
        """The names that have documents."""

    async def copy(self, file: Path) -> bool:
        """Copy the tables, as they are at one moment, into a new SQLite store; whether the engine has a way to do that.

        Units go on meanwhile, those that write too. What has no such way is copied row by row.
        """
        return False

    @abstractmethod
    async def check(self) -> list[str]:
        """What the engine finds broken in its own files or tables, one sentence each; the content is others' task."""
