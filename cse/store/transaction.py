"""What a unit of work sees of a SQLite connection."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from cse.store import Transaction
from cse.store.alarms import SQLiteAlarms
from cse.store.campaigns import SQLiteCampaigns
from cse.store.effects import SQLiteEffects
from cse.store.lists import SQLiteLists
from cse.store.queues import SQLiteQueues
from cse.store.resources import SQLiteResources


class SQLiteTransaction(Transaction):
    """It serves the units of one connection, one after the other."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.tree = SQLiteResources(connection)
        self.resources = self.tree
        self.lists = SQLiteLists(connection)
        self.campaigns = SQLiteCampaigns(connection)
        self.effects = SQLiteEffects(connection)
        self.alarms = SQLiteAlarms(connection)
        self.queues = SQLiteQueues(connection)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self.connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK TO part")
            raise
        finally:
            self.connection.execute("RELEASE part")

    def finish(self) -> None:
        """Forget what the last unit left open."""
        self.tree.finish()
