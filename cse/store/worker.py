"""Group commit: units that queue while a thread is busy share its next transaction and the wait for the disk."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from itertools import groupby
from operator import attrgetter
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, Protocol, cast

from cse.store import T, Transaction, Unit

MAXIMUM_BATCH = 256


class TransactionLost(Exception):
    """The engine has given up the transaction with all its units, because the disk is full for example."""


class Connection(Protocol):
    """What a worker needs of an engine; one thread uses it."""

    @property
    def transaction(self) -> Transaction:
        """What units see."""

    def begin(self) -> None:
        """Start a transaction."""

    def commit(self) -> None:
        """End it, durably."""

    def rollback(self) -> None:
        """Undo it, if there is one; it does not raise."""

    def unit(self) -> AbstractContextManager[None]:
        """Around one unit: undone on its own when it raises. TransactionLost if nothing else can be saved either."""


class Outcome(NamedTuple):
    """What became of a unit. An error travels as a value because a future refuses StopIteration."""

    value: Any = None
    error: BaseException | None = None


class Job(NamedTuple):
    """A unit and who waits for it. One that is `alone` is a transaction by itself, and durable when it returns."""

    unit: Unit[Any]
    outcome: asyncio.Future[Outcome]
    alone: bool


class Worker:
    """A thread for each connection, that runs units on it; a unit goes to whoever is free, `batch` at most together."""

    def __init__(self, connection: Connection, name: str, *others: Connection, batch: int = MAXIMUM_BATCH) -> None:
        self._batch = batch
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._accepting = True
        self._threads = [
            threading.Thread(target=self._work, args=(each,), name=f"store {name} {number}", daemon=True)
            for number, each in enumerate((connection, *others))
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, unit: Unit[T]) -> T:
        """The unit's result, after the commit. A caller who is cancelled leaves the unit to its course."""
        value, error = await self.submit(unit)
        if error is not None:
            raise error
        return cast(T, value)

    def submit(self, unit: Unit[Any], *, alone: bool = False) -> asyncio.Future[Outcome]:
        """What becomes of the unit, once that is durable; one that sees to that itself must be `alone`."""
        if not self._accepting:
            raise RuntimeError("the store is closed")
        future: asyncio.Future[Outcome] = self._loop.create_future()
        self._jobs.put(Job(unit, future, alone))
        return future

    async def close(self) -> None:
        """Finish the units that were accepted and end the threads."""
        self._accepting = False
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _work(self, connection: Connection) -> None:
        while self._serve(connection, self._next_batch()):
            pass

    def _next_batch(self) -> list[Job | None]:
        batch = [self._jobs.get()]
        with suppress(Empty):
            while batch[-1] is not None and len(batch) < self._batch:
                batch.append(self._jobs.get_nowait())
        return batch

    def _serve(self, connection: Connection, batch: list[Job | None]) -> bool:
        """Run a batch and tell everyone; false if `close` was called, behind which nothing queues."""
        jobs = [job for job in batch if job is not None]
        for alone, together in groupby(jobs, attrgetter("alone")):
            part = list(together)
            units = [job.unit for job in part]
            outcomes = [_alone(connection, unit) for unit in units] if alone else self._transact(connection, units)
            with suppress(RuntimeError):  # a loop that was closed has nobody who waits
                self._loop.call_soon_threadsafe(_tell, part, outcomes)
        return len(jobs) == len(batch)

    def _transact(self, connection: Connection, units: Sequence[Unit[Any]]) -> list[Outcome]:
        try:
            return commit(connection, units)
        except BaseException as error:
            return [Outcome(error=as_lost(error))] * len(units)


def _alone(connection: Connection, unit: Unit[Any]) -> Outcome:
    try:
        return Outcome(unit(connection.transaction))
    except BaseException as error:
        return Outcome(error=as_lost(error))


def as_lost(error: BaseException) -> BaseException:
    """An error by which a transaction as a whole has failed, as those who ran a unit in it are to see it."""
    if isinstance(error, TransactionLost) or not isinstance(error, Exception):
        return error
    lost = TransactionLost(str(error))
    lost.__cause__ = error
    return lost


def commit(connection: Connection, units: Sequence[Unit[Any]]) -> list[Outcome]:
    """Run units in one transaction; raises if nothing of them is left."""
    try:
        connection.begin()
        outcomes = [_attempt(connection, unit) for unit in units]
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return outcomes


def _attempt(connection: Connection, unit: Unit[Any]) -> Outcome:
    try:
        with connection.unit():
            return Outcome(unit(connection.transaction))
    except TransactionLost:
        raise
    except BaseException as error:
        return Outcome(error=error)


def _tell(jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> None:
    for job, outcome in zip(jobs, outcomes, strict=True):
        if not job.outcome.done():
            job.outcome.set_result(outcome)
