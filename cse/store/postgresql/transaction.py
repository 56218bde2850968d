"""What a unit of work and a worker see of PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from cse.store import Transaction
from cse.store.postgresql.alarms import PostgreSQLAlarms
from cse.store.postgresql.campaigns import PostgreSQLCampaigns
from cse.store.postgresql.effects import PostgreSQLEffects
from cse.store.postgresql.fence import Fence
from cse.store.postgresql.lists import PostgreSQLLists
from cse.store.postgresql.queues import PostgreSQLQueues
from cse.store.postgresql.resources import PostgreSQLResources
from cse.store.postgresql.session import Session


class PostgreSQLTransaction(Transaction):
    """It serves the units of one session, one after the other."""

    def __init__(self, session: Session, fence: Fence) -> None:
        self.session = session
        self.resources = PostgreSQLResources(session)
        self.lists = PostgreSQLLists(session)
        self.campaigns = PostgreSQLCampaigns(session, fence)
        self.effects = PostgreSQLEffects(session, fence.process)
        self.alarms = PostgreSQLAlarms(session)
        self.queues = PostgreSQLQueues(session)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self.session.run("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self.session.undo("part")
            raise
        self.session.run("RELEASE part")


class PostgreSQLConnection:
    """A `cse.store.worker.Connection`. It begins with the first unit, which can thus be undone without a savepoint."""

    def __init__(self, session: Session, fence: Fence) -> None:
        self.session = session
        self.transaction = PostgreSQLTransaction(session, fence)
        self._begun = False

    def begin(self) -> None:
        self.session.recover()

    def commit(self) -> None:
        if self._begun:
            self._begun = False
            self.session.commit()

    def rollback(self) -> None:
        self._begun = False
        self.session.rollback()

    @contextmanager
    def unit(self) -> Iterator[None]:
        first, self._begun = not self._begun, True
        if first:
            self.session.begin()
        else:
            self.session.run("SAVEPOINT unit")
        try:
            yield
            self.session.require_sound()
        except BaseException:
            self._undo(first=first)
            raise
        finally:
            self.session.age += 1
        if not first:
            self.session.run("RELEASE unit")

    def _undo(self, *, first: bool) -> None:
        if first:
            self.session.require()
            self.rollback()
        else:
            self.session.undo("unit")
