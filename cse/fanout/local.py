"""A fan-out of tree operations to members of this CSE, in slices: each slice is one durable unit of work."""

from itertools import islice

import orjson

from cse.access import Guard
from cse.core import Core
from cse.errors import CSEError
from cse.fanout.progress import Progress
from cse.fanout.states import State
from cse.primitive import Request, Response, error_response
from cse.resource import Work
from cse.store import Campaign, Row
from cse.tree import perform


class LocalCampaign:
    """Runs one campaign; an operation and its answer are committed together, so a restart repeats none."""

    def __init__(self, core: Core, campaign: Campaign, request: Request, rows: list[Row], progress: Progress) -> None:
        self._core = core
        self._campaign = campaign
        self._request = request
        self._waiting = [row for row in rows if row.state == State.WAITING]
        self._progress = progress

    async def run(self) -> None:
        """Until every member has its answer; then the campaign is finished in the store."""
        remaining = iter(self._waiting)
        while rows := list(islice(remaining, self._core.settings.fan_out_slice)):
            await self._slice(rows)
        await self._core.run(self._progress.finish)

    async def _slice(self, rows: list[Row]) -> None:
        now = self._core.clock.now()
        tell = self._progress.due_in(now) == 0

        def unit(work: Work) -> list[Row]:
            guard = Guard(work, self._request.originator)
            done = [_answered(work, row, self._operate(work, row, guard)) for row in rows]
            work.transaction.campaigns.write(self._campaign.id, done)
            if tell:
                self._progress.tell(work)
            return done

        done = await self._core.run(unit)
        if tell:
            self._progress.told(now)
        self._progress.add(done)

    def _operate(self, work: Work, row: Row, guard: Guard) -> Response:
        try:
            with work.transaction.savepoint():
                return perform(work, self._request.derive(to=row.target), guard)
        except CSEError as error:
            return error_response(error.status_code, str(error))


def _answered(work: Work, row: Row, response: Response) -> Row:
    return row._replace(
        state=State.ANSWERED.value,
        status_code=response.status_code,
        content=b"" if response.content is None else orjson.dumps(response.content),
        network="local",
        attempts=1,
        answered_at=work.now,
    )
