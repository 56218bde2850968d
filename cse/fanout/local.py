"""A fan-out of tree operations to members of this CSE, in slices: each slice is one durable unit of work."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import islice

import orjson

from cse.access import Guard
from cse.consent import Interruption
from cse.core import Core
from cse.errors import CSEError
from cse.fanout.progress import Progress
from cse.fanout.states import Failure, State
from cse.primitive import Request, Response, error_response
from cse.store import Campaign, Row
from cse.tree.operations import perform
from cse.work import Work

log = logging.getLogger(__name__)

Operate = Callable[[Work, Row, Guard], Response | None]
Perform = Callable[[Request, Callable[[Work, Response], None]], Awaitable[Response]]


class LocalCampaign:
    """Runs one campaign; an operation and its answer are committed together, so a restart repeats none.

    `perform` carries out one request that others outside have to agree to (`cse.performer`).
    """

    def __init__(
        self,
        core: Core,
        campaign: Campaign,
        request: Request,
        rows: list[Row],
        progress: Progress,
        perform: Perform,
    ) -> None:
        self._core = core
        self._perform = perform
        self._campaign = campaign
        self._request = request
        self._waiting = [row for row in rows if row.state == State.WAITING]
        self._progress = progress

    async def run(self, is_cancelled: Callable[[], bool]) -> None:
        """Until every member has its answer, or it is cancelled; then the campaign is finished in the store."""
        remaining = iter(self._waiting)
        while rows := list(islice(remaining, self._core.settings.fan_out_slice)):
            if is_cancelled():
                await self._core.run(partial(self._give_up, [*rows, *remaining]))
                break
            await self._persistently(rows)
        await self._core.run(self._progress.finish)

    def _give_up(self, rows: list[Row], work: Work) -> None:
        state, reason = State.FAILED.value, Failure.CANCELLED.value
        work.transaction.campaigns.write(self._campaign.id, [row._replace(state=state, reason=reason) for row in rows])

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
        now = self._core.clock.now()
        tell = self._progress.due_in(now) == 0

        def unit(work: Work) -> list[Row]:
            guard = Guard(work, self._request)
            answers = [(row, operate(work, row, guard)) for row in rows]
            done = [_answered(work, row, response) for row, response in answers if response is not None]
            work.transaction.campaigns.write(self._campaign.id, done)
            if tell:
                self._progress.tell(work)
            return done

        done = await self._core.run(unit)
        if tell:
            self._progress.told(now)
        self._progress.add(done)
        settled = {row.position for row in done}
        for row in rows:
            if row.position not in settled:
                await self._alone(row)

    def _operate(self, work: Work, row: Row, guard: Guard) -> Response | None:
        """The answer of one member; None if others have to be asked before."""
        try:
            with work.transaction.savepoint():
                return perform(work, self._request.derive(to=row.target), guard)
        except CSEError as error:
            return error_response(error.status_code, str(error))
        except Interruption:
            return None

    async def _alone(self, row: Row) -> None:
        done: list[Row] = []

        def settle(work: Work, response: Response) -> None:
            done[:] = [_answered(work, row, response)]
            work.transaction.campaigns.write(self._campaign.id, done)

        try:
            await self._perform(self._request.derive(to=row.target), settle)
        except CSEError as error:
            refusal = error_response(error.status_code, str(error))
            await self._core.run(lambda work: settle(work, refusal))
        self._progress.add(done)


def _failed(work: Work, row: Row, guard: Guard) -> Response:
    return error_response(5000, f"the CSE failed to carry out the request on {row.member}: see the server's log")


def _answered(work: Work, row: Row, response: Response) -> Row:
    return row._replace(
        state=State.ANSWERED.value,
        status_code=response.status_code,
        content=b"" if response.content is None else orjson.dumps(response.content),
        network="local",
        attempts=1,
        answered_at=work.now,
    )
