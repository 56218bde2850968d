"""Requests that only the conductor can carry out, handed over to it as a whole."""

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

from cse.cluster.switchboard import Document, Switchboard
from cse.core import Core
from cse.pieces import whole
from cse.primitive import Request, Response
from cse.times import Times

REQUEST, PLAN, CANCEL = "request", "plan", "cancel"
# The JSON of a response that has it already is made anew by whoever needs it.
FIELDS = [each for each in dataclasses.fields(Response) if each.name != "json"]
MARGIN = 5.0  # seconds that a process waits for an answer beyond the moment at which it should be there


class HandOver:
    """Where this process is the conductor, everything is carried out here."""

    def __init__(
        self,
        core: Core,
        switchboard: Switchboard,
        handle: Callable[[Request], Awaitable[Response]],
        fans_out: Callable[[Request], bool],
    ) -> None:
        self._core = core
        self._switchboard = switchboard
        self._handle = handle
        self._fans_out = fans_out
        switchboard.answers(REQUEST, self._carry_out)

    async def concerns(self, request: Request) -> bool:
        """Whether it is for the conductor, and that is another process.

        What comes through a group elsewhere is: its sender may repeat it, at any process, and it must be done once.
        """
        through_a_group = request.group_request_identifier is not None
        return (through_a_group or self._fans_out(request)) and not await self._switchboard.is_here()

    async def carry_out(self, request: Request, times: Times) -> Response:
        """The conductor's response; TargetNotReachable when that process ends before it has answered."""
        settings = self._core.settings
        end = times.result_expiration or times.request_expiration or times.execution + settings.blocking_deadline
        patience = max(MARGIN, end - self._core.clock.now() + MARGIN)
        answer = await self._switchboard.ask(REQUEST, {"request": request.to_json().decode()}, patience)
        return Response(**answer["response"])

    async def _carry_out(self, document: Document) -> Document:
        response = await whole(await self._handle(Request.from_json(document["request"].encode())))
        return {"response": {each.name: getattr(response, each.name) for each in FIELDS}}


class Campaigns:
    """What the operator asks of fan-outs, answered by the conductor wherever it is asked."""

    def __init__(
        self,
        core: Core,
        switchboard: Switchboard,
        plan: Callable[[Request], Awaitable[dict[str, Any]]],
        cancel: Callable[[str], Awaitable[None]],
    ) -> None:
        self._switchboard = switchboard
        self._patience = core.settings.blocking_deadline
        self._plan, self._cancel = plan, cancel
        switchboard.answers(PLAN, self._planned)
        switchboard.answers(CANCEL, self._cancelled)

    async def plan(self, request: Request) -> dict[str, Any]:
        """As `cse.fanout.service.FanOut.plan`."""
        if await self._switchboard.is_here():
            return await self._plan(request)
        return await self._switchboard.ask(PLAN, {"request": request.to_json().decode()}, self._patience)

    async def cancel(self, campaign_id: str) -> None:
        """As `cse.fanout.service.FanOut.cancel`."""
        if await self._switchboard.is_here():
            await self._cancel(campaign_id)
        else:
            await self._switchboard.ask(CANCEL, {"campaign": campaign_id}, self._patience)

    async def _planned(self, document: Document) -> Document:
        return await self._plan(Request.from_json(document["request"].encode()))

    async def _cancelled(self, document: Document) -> Document:
        await self._cancel(document["campaign"])
        return {}
