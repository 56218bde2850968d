"""A fan-out of tree operations to members of this CSE, in slices: each slice is one durable unit of work."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from cse.consent import Interruption
from cse.core import Core
from cse.errors import CSEError
from cse.fanout.book import Book
from cse.fanout.states import Failure, State
from cse.primitive import Request, Response, error_response, kept
from cse.store import Row
from cse.tree.alike import Alike
from cse.work import Work

log = logging.getLogger(__name__)

PARALLEL = 4  # slices: while some are being made durable, together, the next ones are carried out
ANSWERED = State.ANSWERED.value

Operate = Callable[[Work, Row, Alike], Response | None]
Perform = Callable[[Request, Callable[[Work, Response], None]], Awaitable[Response]]


class LocalCampaign:
    """The part of a campaign that goes to members here.

    An operation and its answer are committed together, so that a restart repeats none. `perform` carries out one
    request that others outside have to agree to (`cse.performer`). What devices have carried out `follow`s here.
    """

    def __init__(self, core: Core, book: Book, request: Request, perform: Perform) -> None:
        self._core = core
        self._perform = perform
        self._book = book
        self._campaign = book.campaign
        self._request = request
        self._waiting = deque(row for row in book.rows if row.state == State.WAITING and not row.host)
        self._following: deque[Row] = deque()
        self._changed = asyncio.Event()
        self._is_closed = False

    def follow(self, positions: Iterable[int]) -> None:
        """The devices of these members have carried out the request: now the tree does."""
        self._following.extend(self._book.rows[position] for position in positions)
        self._changed.set()

    def close(self) -> None:
        """Nothing will follow any more."""
        self._is_closed = True
        self._changed.set()

    async def run(self) -> None:
        """Until every member has its answer, or it is stopped; what devices have done is never given up."""
        self._book.control.heed(self._changed.set)
        turns = asyncio.Semaphore(PARALLEL)
        async with asyncio.TaskGroup() as slices:
            while self._waiting or self._following or not self._is_closed:
                self._changed.clear()
                await turns.acquire()
                rows = self._next(self._following) or self._next(self._allowed())
                if rows:
                    slices.create_task(self._persistently(rows)).add_done_callback(lambda _: turns.release())
                    await asyncio.sleep(0)  # others have their turn after each
                    continue
                turns.release()
                if self._waiting or not self._is_closed:
                    await self._something_to_do()

    async def _something_to_do(self) -> None:
        """A change; for members that wait for the end of a pause it is too late at the deadline."""
        clock, deadline = self._core.clock, self._campaign.deadline
        if not self._waiting:
            await self._changed.wait()
        elif not await clock.within(deadline - clock.now(), self._changed.wait()):
            self._give_up(Failure.EXPIRED)

    def _allowed(self) -> deque[Row]:
        """The members whose turn may come now: none of them while there is a pause, nor when it has been stopped."""
        control = self._book.control
        if control.failure is not None:
            self._give_up(control.failure)
        return deque() if control.is_paused else self._waiting

    def _next(self, queue: deque[Row]) -> list[Row]:
        return [queue.popleft() for _ in range(min(len(queue), self._core.settings.fan_out_slice))]

    def _give_up(self, failure: Failure) -> None:
        while self._waiting:
            row = self._waiting.popleft()
            self._book.set(row.position, state=State.FAILED.value, reason=failure.value)

    async def _persistently(self, rows: list[Row]) -> None:
        """A failure that nobody foresaw undoes a slice: then one by one, and the culprit alone gets an error."""
        try:
            await self._slice(rows, self._operate)
        except Exception:
            log.exception("members of campaign %s failed, %s first", self._campaign.id, rows[0].member)
            if len(rows) == 1:
                await self._slice(rows, _failed)
            else:
                for row in rows:
                    await self._persistently([row])

    async def _slice(self, rows: list[Row], operate: Operate) -> None:
        def unit(work: Work) -> list[Row]:
            alike = Alike(work, self._request)
            answers = [(row, operate(work, row, alike)) for row in rows]
            done = [_answered(work, row, response) for row, response in answers if response is not None]
            self._book.store(work, done)
            return done

        done = await self._core.run(unit)
        self._written(done)
        settled = {row.position for row in done}
        for row in rows:
            if row.position not in settled:
                await self._alone(row)

    def _operate(self, work: Work, row: Row, alike: Alike) -> Response | None:
        """The answer of one member; None if others have to be asked before."""
        try:
            with work.transaction.savepoint():
                return alike.perform(row.target)
        except CSEError as error:
            return error_response(error.status_code, str(error))
        except Interruption:
            return None

    async def _alone(self, row: Row) -> None:
        done: list[Row] = []

        def settle(work: Work, response: Response) -> None:
            done[:] = [_answered(work, row, response)]
            self._book.store(work, done)

        try:
            await self._perform(self._request.derive(to=row.target), settle)
        except CSEError as error:
            refusal = error_response(error.status_code, str(error))
            await self._core.run(lambda work: settle(work, refusal))
        self._written(done)

    def _written(self, done: list[Row]) -> None:
        """Rows with a host are written once more: what was noted of their delivery may be on its way to the store."""
        self._book.written([row for row in done if not row.host])
        for row in done:
            if row.host:
                self._book.replace(row)


def _failed(work: Work, row: Row, alike: Alike) -> Response:
    return error_response(5000, f"the CSE failed to carry out the request on {row.member}: see the server's log")


def _answered(work: Work, row: Row, response: Response) -> Row:
    content = kept(response.content)
    network, attempts = row.network or "local", row.attempts or 1
    return Row(*row[:4], ANSWERED, "", response.status_code, content, network, attempts, work.now)
