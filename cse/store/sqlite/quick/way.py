"""Runs units of work on the event loop where it can, and has what they did written (see the package)."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast

from cse.store import Transaction, Unit
from cse.store.sqlite.changes import Changes
from cse.store.sqlite.quick import OrdinaryWay
from cse.store.sqlite.quick.batch import Batch, Waiting
from cse.store.sqlite.quick.cache import Cache
from cse.store.sqlite.quick.overlay import Overlay
from cse.store.sqlite.quick.transaction import QuickTransaction
from cse.store.sqlite.quick.writing import write
from cse.store.sqlite.transaction import SQLiteTransaction
from cse.store.worker import Outcome, Worker

T = TypeVar("T")

PORTION = 32  # units that have waited and begin at once
IN_A_ROW = 8  # units that were over at once, before others have their turn


class Turn(NamedTuple):
    """A unit that waits until others, in another thread, are over."""

    unit: Unit[Any]
    future: asyncio.Future[Outcome]


class QuickWay:
    """`run` is for units that write, `read` for those that don't. `writer` is the thread that changes the file.

    The connection is one that reads, for the thread of the event loop. One batch is under way at a time; what goes to
    the other thread as it is waits for it, and takes what has been collected along.
    """

    def __init__(self, connection: sqlite3.Connection, writer: Worker) -> None:
        self._loop = asyncio.get_running_loop()
        self._overlay = Overlay(Cache())
        self._transaction = QuickTransaction(self._overlay, connection)
        self._writer = writer
        self._waiting: deque[Turn] = deque()  # for the end of units elsewhere
        self._ordinary: list[Turn] = []  # that wait for the end of a batch, to go elsewhere
        self._elsewhere = 0  # those, and the ones that are in the other thread
        self._under_way: Batch | None = None
        self._is_arranged = False  # that what is collected is sent, or that the waiting ones go on
        self._is_open = True
        self._in_a_row = 0
        self._rests = asyncio.Event()

    async def run(self, unit: Unit[T]) -> T:
        """The result of the unit, once it is durable. A caller who is cancelled leaves the unit to its course."""
        self._require_open()
        future: asyncio.Future[Outcome] = self._loop.create_future()
        if self._elsewhere or self._waiting:
            self._waiting.append(Turn(unit, future))
        else:
            self._begin(unit, future)
        if future.done():
            await self._turn()
        return cast(T, _value(await future))

    async def read(self, unit: Unit[T]) -> T:
        """The result of the unit, once what it has seen is durable; OrdinaryWay if it needs another thread."""
        self._require_open()
        outcome, seen = self._attempt(unit, writes=False)
        batch = self._batch(seen)
        if batch is None:
            await self._turn()
            return cast(T, _value(outcome))
        future: asyncio.Future[Outcome] = self._loop.create_future()
        batch.waiting.append(Waiting(unit, outcome, future))
        return cast(T, _value(await future))

    async def close(self) -> None:
        """Finish what was accepted."""
        self._is_open = False
        while not self._is_idle:
            self._rests.clear()
            await self._rests.wait()

    def _require_open(self) -> None:
        if not self._is_open:
            raise RuntimeError("the store is closed")

    async def _turn(self) -> None:
        """Whoever has one unit carried out after the other must not keep everybody else waiting."""
        self._in_a_row += 1
        if self._in_a_row > IN_A_ROW:
            self._in_a_row = 0
            await asyncio.sleep(0)

    @property
    def _is_idle(self) -> bool:
        return not (self._under_way or self._elsewhere or self._waiting or self._is_arranged)

    # on the event loop

    def _begin(self, unit: Unit[Any], future: asyncio.Future[Outcome]) -> None:
        try:
            outcome, seen = self._attempt(unit, writes=True)
        except OrdinaryWay:
            self._go_elsewhere([Turn(unit, future)])
            return
        batch = self._batch(seen)
        if batch is not None:
            batch.waiting.append(Waiting(unit, outcome, future))
        elif not future.done():
            future.set_result(outcome)

    def _attempt(self, unit: Unit[Any], *, writes: bool) -> tuple[Outcome, int]:
        """What comes of a unit, and the newest batch that it has seen or written to, 0 for none."""
        overlay, tree = self._overlay, self._transaction.tree
        overlay.seen = 0
        tree.begin(writes=writes, may_look=not self._elsewhere)
        try:
            outcome = Outcome(unit(self._transaction))
        except OrdinaryWay:
            overlay.undo()
            raise
        except BaseException as error:
            overlay.undo()
            outcome = Outcome(error=error)
        finally:
            tree.finish()
        if tree.has_been_stopped or (overlay.mark and not writes):
            overlay.undo()
            raise OrdinaryWay
        if not overlay.mark:
            return outcome, overlay.seen
        overlay.accept()
        self._arrange()
        return outcome, overlay.collecting.number

    def _batch(self, number: int) -> Batch | None:
        """The batch that a unit waits for which has seen this one; None if there is nothing to wait for.

        A unit that has failed may have seen nothing but what it had done itself.
        """
        if number == self._overlay.collecting.number and self._overlay.has_collected:
            return self._overlay.collecting
        return self._under_way if self._under_way is not None and self._under_way.number <= number else None

    # batches

    def _arrange(self) -> None:
        """Soon, so that what comes at the same time goes together."""
        if self._under_way is None and not self._is_arranged:
            self._is_arranged = True
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        """Send what is to be sent now, and let those begin that may."""
        self._is_arranged = False
        self._transaction.outgoing.limit()
        if self._under_way is None:
            if self._overlay.has_collected:
                self._send()
            self._send_ordinary()
        self._let_begin()
        if self._is_idle:
            self._rests.set()

    def _send(self) -> None:
        batch = self._under_way = self._overlay.next_batch()
        self._writer.submit(partial(_written, batch), alone=True).add_done_callback(partial(self._told, batch))

    def _told(self, batch: Batch, future: asyncio.Future[Outcome]) -> None:
        self._under_way = None
        if future.result().error is None:
            self._overlay.settle(batch)
            for waiting in batch.waiting:
                if not waiting.future.done():
                    waiting.future.set_result(waiting.outcome)
        else:
            self._repeat(batch)
        self._next()

    def _repeat(self, batch: Batch) -> None:
        """The batch is none, nor is what has been built on it: their units run one by one elsewhere."""
        units = [*batch.waiting, *self._overlay.next_batch().waiting]
        self._overlay.clear()
        self._transaction.clear()
        self._go_elsewhere([Turn(each.unit, each.future) for each in units])

    # elsewhere

    def _go_elsewhere(self, turns: Sequence[Turn]) -> None:
        self._ordinary += turns
        self._elsewhere += len(turns)
        self._arrange()

    def _send_ordinary(self) -> None:
        turns, self._ordinary = self._ordinary, []
        for turn in turns:
            self._writer.submit(partial(_recorded, turn.unit)).add_done_callback(partial(self._over, turn.future))

    def _over(self, caller: asyncio.Future[Outcome], future: asyncio.Future[Outcome]) -> None:
        self._elsewhere -= 1
        value, error = future.result()
        if error is None:
            value, changes = value
            self._overlay.cache.forget(changes)
            self._transaction.heard(changes)
        if not caller.done():
            caller.set_result(Outcome(value, error))
        if not self._elsewhere:
            self._arrange()

    def _let_begin(self) -> None:
        """In portions, so that others have their turn."""
        for _ in range(PORTION):
            if self._elsewhere or not self._waiting:
                return
            self._begin(*self._waiting.popleft())
        if not self._is_arranged:
            self._is_arranged = True
            self._loop.call_soon(self._next)


def _written(batch: Batch, transaction: Transaction) -> None:
    write(batch, cast(SQLiteTransaction, transaction).connection)


def _recorded(unit: Unit[T], transaction: Transaction) -> tuple[T, Changes]:
    changes = cast(SQLiteTransaction, transaction).changes
    changes.take()
    result = unit(transaction)
    return result, changes.take()


def _value(outcome: Outcome) -> Any:
    if outcome.error is not None:
        raise outcome.error
    return outcome.value
