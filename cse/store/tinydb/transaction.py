"""What a unit of work and a worker see of the tables."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from cse.store import Transaction
from cse.store.tinydb.alarms import TinyDBAlarms
from cse.store.tinydb.campaigns import TinyDBCampaigns
from cse.store.tinydb.database import Database
from cse.store.tinydb.effects import TinyDBEffects
from cse.store.tinydb.lists import TinyDBLists
from cse.store.tinydb.queues import TinyDBQueues
from cse.store.tinydb.resources import TinyDBResources

Action = Callable[[], None]


def nothing() -> None:
    """There is nothing to do."""


class TinyDBTransaction(Transaction):
    """It serves all units, one after the other."""

    def __init__(self, database: Database) -> None:
        self.database = database
        resources = TinyDBResources(database)
        lists = TinyDBLists(database, resources.identifiers)
        alarms, queues = TinyDBAlarms(database), TinyDBQueues(database)
        resources.belongings = (lists.belongings, alarms.belongings, queues.belongings)
        self.resources, self.lists, self.alarms, self.queues = resources, lists, alarms, queues
        self.campaigns = TinyDBCampaigns(database)
        self.effects = TinyDBEffects(database)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        mark = self.database.log.mark()
        try:
            yield
        except BaseException:
            self.database.log.undo(mark)
            raise


class Turn:
    """A lock that two threads get by turns, however soon one of them comes back."""

    def __init__(self) -> None:
        self._next = Lock()
        self._inside = Lock()

    def take(self) -> None:
        """Wait until it is this thread's turn."""
        with self._next:
            self._inside.acquire()

    def give(self) -> None:
        """It is the other's turn."""
        self._inside.release()


class TinyDBConnection:
    """A `cse.store.worker.Connection` that has the tables to itself from begin to commit.

    `before` is called when a transaction begins, `behind` when it is durable.
    """

    def __init__(
        self,
        transaction: TinyDBTransaction,
        turn: Turn,
        *,
        writes: bool = False,
        before: Action = nothing,
        behind: Action = nothing,
    ) -> None:
        self.transaction = transaction
        self.writes = writes
        self._database = transaction.database
        self._log = transaction.database.log
        self._turn = turn
        self._before, self._behind = before, behind
        self._under_way = False

    def begin(self) -> None:
        self._turn.take()
        self._under_way = True
        self._log.reads_only = not self.writes
        self._before()

    def commit(self) -> None:
        self._database.commit()
        self._behind()
        self._finish()

    def rollback(self) -> None:
        if self._under_way:
            self._log.undo()
            self._finish()

    @contextmanager
    def unit(self) -> Iterator[None]:
        try:
            with self.transaction.savepoint():
                yield
        finally:
            self._log.unit = object()

    def _finish(self) -> None:
        self._under_way = False
        self._turn.give()
