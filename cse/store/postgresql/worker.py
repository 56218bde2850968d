"""Units are run again when another process was in the way, or when the connection broke before they took place."""

import random
import time
from collections.abc import Sequence
from typing import Any

from cse.store import Unit
from cse.store.postgresql.session import Collision, Disconnected
from cse.store.worker import Connection, Outcome, TransactionLost, Worker, as_lost, commit

ATTEMPTS = 30
FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.25  # seconds, on average half of it


class PersistentWorker(Worker):
    """Threads that do not give up at once."""

    def _transact(self, connection: Connection, units: Sequence[Unit[Any]]) -> list[Outcome]:
        return persist(connection, units)


def persist(connection: Connection, units: Sequence[Unit[Any]]) -> list[Outcome]:
    """Run units in one transaction; if they collide, in halves, until those are alone that stand in somebody's way."""
    failure: BaseException = TransactionLost("no attempt")
    for attempt in range(ATTEMPTS):
        try:
            return commit(connection, units)
        except (Collision, Disconnected) as error:
            failure = error
        except BaseException as error:
            failure = error
            break
        if len(units) > 1:
            half = len(units) // 2
            return persist(connection, units[:half]) + persist(connection, units[half:])
        time.sleep(random.uniform(0, min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)))  # noqa: S311
    return [Outcome(error=as_lost(failure))] * len(units)
