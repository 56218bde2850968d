"""What a unit of work and a worker see of a SQLite connection."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from cse.store import Transaction
from cse.store.sqlite.alarms import SQLiteAlarms
from cse.store.sqlite.campaigns import SQLiteCampaigns
from cse.store.sqlite.changes import Changes
from cse.store.sqlite.effects import SQLiteEffects
from cse.store.sqlite.lists import SQLiteLists
from cse.store.sqlite.queues import SQLiteQueues
from cse.store.sqlite.removal import purge
from cse.store.sqlite.resources import SQLiteResources
from cse.store.worker import TransactionLost


class SQLiteTransaction(Transaction):
    """It serves the units of one connection, one after the other."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.changes = Changes()
        self.tree = SQLiteResources(connection, self.changes)
        self.resources = self.tree
        self.lists = SQLiteLists(connection)
        self.campaigns = SQLiteCampaigns(connection)
        self.effects = SQLiteEffects(connection, self.changes)
        self.alarms = SQLiteAlarms(connection)
        self.queues = SQLiteQueues(connection)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self.connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK TO part")
            self.changes.undone()
            raise
        finally:
            self.connection.execute("RELEASE part")

    def integrity(self) -> list[str]:
        """What SQLite finds broken in the file."""
        found = [text for (text,) in self.connection.execute("PRAGMA integrity_check")]
        return [] if found == ["ok"] else found

    @property
    def to_purge(self) -> bool:
        """Whether there may be rows of what has been removed."""
        return self.tree.to_purge

    def purge(self) -> None:
        """Take some of them out."""
        self.tree.to_purge = purge(self.connection)

    def finish(self) -> None:
        """Forget what the last unit left open."""
        self.tree.finish()


class SQLiteConnection:
    """A `cse.store.worker.Connection`. `begin` is the statement that starts a transaction."""

    def __init__(self, connection: sqlite3.Connection, begin: str) -> None:
        self.transaction = SQLiteTransaction(connection)
        self._connection = connection
        self._begin = begin

    def begin(self) -> None:
        self._connection.execute(self._begin)

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        self._connection.rollback()

    @contextmanager
    def unit(self) -> Iterator[None]:
        self._connection.execute("SAVEPOINT unit")
        try:
            yield
        except BaseException as error:
            if not self._connection.in_transaction:  # SQLite gave it all up: the disk is full or broken
                raise TransactionLost(str(error)) from error
            self._connection.execute("ROLLBACK TO unit")
            raise
        finally:
            self.transaction.finish()
            if self._connection.in_transaction:
                self._connection.execute("RELEASE unit")


class SQLiteReader(SQLiteConnection):
    """The same for units that only read: there is nothing to undo."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection, "BEGIN")

    @contextmanager
    def unit(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.transaction.finish()
