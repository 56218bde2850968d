"""Units are run again when another process was in the way, or when the connection broke before they took place."""

import random
import time
from collections.abc import Sequence
from typing import Any, cast

from cse.store import Unit
from cse.store.postgresql.session import Collision, Disconnected
from cse.store.postgresql.transaction import PostgreSQLConnection
from cse.store.worker import Connection, Outcome, TransactionLost, Worker, as_lost, commit

ATTEMPTS = 30
FIRST_PAUSE, LONGEST_PAUSE = 0.0005, 0.05  # seconds, on average half of it


class PersistentWorker(Worker):
    """Threads that do not give up at once; their connections are PostgreSQL's."""

    def _transact(self, connection: Connection, units: Sequence[Unit[Any]]) -> list[Outcome]:
        return persist(cast(PostgreSQLConnection, connection), units)


def persist(connection: PostgreSQLConnection, units: Sequence[Unit[Any]]) -> list[Outcome]:
    """Run units in one transaction; one that collides lines up for what others want as well, and is run again."""
    try:
        return _persist(connection, units)
    finally:
        connection.session.end_turns(forget=True)


def _persist(connection: PostgreSQLConnection, units: Sequence[Unit[Any]]) -> list[Outcome]:
    failure: BaseException = TransactionLost("no attempt")
    for attempt in range(ATTEMPTS):
        try:
            if isinstance(failure, Collision):
                connection.session.take_turn(failure.subject)
            return commit(connection, units)
        except (Collision, Disconnected) as error:
            failure = error
        except BaseException as error:
            failure = error
            break
        if attempt > 2:
            if len(units) > 1:
                half = len(units) // 2
                return _persist(connection, units[:half]) + _persist(connection, units[half:])
            time.sleep(random.uniform(0, min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)))  # noqa: S311
    return [Outcome(error=as_lost(failure))] * len(units)
