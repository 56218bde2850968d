"""Begins, resumes and looks after fan-outs."""

import asyncio
import logging
from typing import Any

from cse.core import Core
from cse.door import Door
from cse.errors import NotFound
from cse.fanout.adaptation import Adaptation, Agree
from cse.fanout.admission import Admission
from cse.fanout.aggregate import final_response
from cse.fanout.book import Book
from cse.fanout.control import Control
from cse.fanout.devices import DeviceCampaign
from cse.fanout.entry import Limits, Members, enter, left_over, stored_members
from cse.fanout.late import LateAnswers
from cse.fanout.local import LocalCampaign, Perform
from cse.fanout.members import Frozen, freeze
from cse.fanout.progress import Progress
from cse.fanout.reach import gather
from cse.fanout.report import plan_document
from cse.fanout.seen import SeenRequests
from cse.fanout.states import CANCELLED, Failure, State
from cse.fanout.wire import Wire, group_request_identifier
from cse.matching import choose
from cse.network import Host
from cse.primitive import Request, Response, ResponseType
from cse.slices import aside, in_slices, let_go
from cse.store import Campaign, Effect, Row
from cse.times import times_of
from cse.work import Work

log = logging.getLogger(__name__)


class FanOut:
    """All fan-outs of this server."""

    def __init__(self, core: Core, door: Door, perform: Perform, agree: Agree) -> None:
        self._core = core
        self._door = door
        self._perform = perform
        self._adaptation = Adaptation(core, agree)
        self._running: dict[str, DeviceCampaign] = {}
        self._late = LateAnswers(core, door)
        self._admission = Admission(core.model)
        self._controls: dict[str, Control] = {}
        self._wanted: dict[str, str] = {}
        self._superseded_early: dict[str, list[str]] = {}  # hosts of campaigns that are in the store and do not run yet
        self._seen = SeenRequests()

    @property
    def is_idle(self) -> bool:
        """Whether no campaign is under way that goes out to hosts."""
        return not self._running

    def limits(self, request: Request, accepted: float) -> Limits:
        """From the expiration parameters of the request, or the settings; RequestTimeout when they lie in the past."""
        settings = self._core.settings
        times = times_of(request, accepted)
        patient = request.response_type in (ResponseType.NON_BLOCKING_SYNCH, ResponseType.NON_BLOCKING_ASYNCH)
        default = times.execution + (settings.campaign_deadline if patient else settings.blocking_deadline)
        latest = times.execution + settings.max_lifetime
        deadline = min(times.result_expiration or times.request_expiration or default, latest)
        return Limits(accepted, min(times.request_expiration or deadline, deadline), deadline)

    async def blocking(self, request: Request, accepted: float) -> Response:
        """Fan out and return the aggregated answer; raises CSEError."""
        book = await self._fan_out(request, "", accepted)
        try:
            return await final_response(request, book.rows)
        finally:
            await self._forget(book.campaign.id)

    async def begin(self, request: Request, request_resource: str, accepted: float) -> str:
        """Fan out and return the campaign's identifier when it is over; the <request> resource follows its progress."""
        book = await self._fan_out(request, request_resource, accepted)
        await let_go(book.rows)
        return book.campaign.id

    async def _fan_out(self, request: Request, request_resource: str, accepted: float) -> Book:
        """The rows of a campaign that is over."""
        with self._admission.counted(request.originator):
            limits = self.limits(request, accepted)
            frozen, members = await self._enter_groups(request, limits)
            group = frozen.group.ri
            request = await self._adaptation.of(request, group, members)
            campaign, superseded = await self._core.run(
                lambda work: enter(work, request, request_resource, group, members, limits)
            )
            self._superseded_early[campaign.id] = []
            own = group_request_identifier(self._core.model.naming, campaign, request)
            self._seen.note(own, frozen.opened, self._core.clock.now(), limits.deadline)
            await self._supersede(superseded)
            return await self._carry_out(campaign, request, members, limits)

    async def _enter_groups(self, request: Request, limits: Limits) -> tuple[Frozen, Members]:
        """Who is meant; GroupRequestIdentifierExists if the request has been at the group before."""
        identifier, now = request.group_request_identifier, self._core.clock.now()
        visited = self._seen.targets(identifier, now)
        frozen, members = await self._core.read(lambda work: _freeze(work, request, visited))
        self._seen.enter(identifier, frozen.opened[0], now, limits.deadline)
        return frozen, members

    async def resume(self) -> None:
        """After a restart: go on with what was under way, for the silent members only."""
        for campaign in await self._core.run(left_over):
            try:
                await self._resume(campaign)
            except Exception:
                log.exception("campaign %s can't go on", campaign.id)

    async def plan(self, request: Request) -> dict[str, Any]:
        """What would be sent by which network, without sending; members that are not asked are counted apart."""
        frozen = await self._core.read(lambda work: freeze(work, request))
        hosts = list(frozen.hosts.values())
        offers = await gather(self._core.networks.values(), hosts, request, frozen.group.ri)
        now = self._core.clock.now()
        limits = self.limits(request, now)
        plan = await aside(len(hosts), choose, offers, available_ms=int((limits.deadline - now) * 1000))
        refused: dict[str, int] = {}
        async for row in in_slices(frozen.rows):
            if row.state != State.WAITING:
                key = str(row.status_code or row.reason)
                refused[key] = refused.get(key, 0) + 1
        document = {"group": frozen.group.path, "notAsked": refused} | plan_document(plan, hosts)
        await let_go(offers, hosts, frozen.rows, frozen.hosts)
        return document

    async def cancel(self, campaign_id: str) -> None:
        """Stop sending; the members without an answer are CANCELLED. NotFound if it is not under way."""
        await self._control(campaign_id, CANCELLED)

    async def controlled(self, effect: Effect) -> None:
        """The handler of the outbox: somebody has changed the state of a campaign by its report."""
        try:
            await self._control(effect.document["campaign"], effect.document["state"])
        except NotFound:
            log.info(
                "campaign %s was over before it could be %s", effect.document["campaign"], effect.document["state"]
            )

    async def host_changed(self, effect: Effect) -> None:
        """The handler of the outbox: what stands behind a resource can be reached in another way."""
        host = await self._core.read(lambda work: _host(work, effect.document["resource"]))
        if host is not None:
            for running in self._running.values():
                running.host_changed(host)

    async def _control(self, campaign_id: str, state: str) -> None:
        campaign = await self._core.read(lambda work: work.transaction.campaigns.get(campaign_id))
        if campaign is None or campaign.finished_at is not None:
            raise NotFound(f"there is no campaign {campaign_id[:80]} under way")
        if campaign_id not in self._controls:
            self._wanted[campaign_id] = state  # it is about to begin
        control = self._controls.get(campaign_id) or Control(campaign)
        control.set(state)
        await self._core.run(control.save)

    async def _resume(self, campaign: Campaign) -> None:
        """Everything is read before the server takes requests: a newer one must find whom it supersedes."""
        request = Request.from_json(campaign.request)
        limits = self.limits(request, campaign.created)
        members = await self._core.read(lambda work: stored_members(work, campaign.id))
        log.info("resuming campaign %s with %d members", campaign.id, len(members.rows))
        self._superseded_early[campaign.id] = []
        self._core.start(self._go_on(campaign, request, members, limits), f"campaign {campaign.id}")

    async def _go_on(self, campaign: Campaign, request: Request, members: Members, limits: Limits) -> None:
        with self._admission.counted(request.originator, was_admitted=True):
            book = await self._carry_out(campaign, request, members, limits)
        await let_go(book.rows)

    async def _carry_out(self, campaign: Campaign, request: Request, members: Members, limits: Limits) -> Book:
        """To members here and to hosts at the same time; when all are done, the campaign is finished in the store."""
        progress = await aside(len(members.rows), Progress, campaign, request, members.rows)
        is_stored = members.to_be_stored(campaign.request_resource)
        book = Book(self._core, campaign, members.rows, progress, stores_rows=is_stored)
        members.rows.clear()  # the book has them, and drops those that change
        local = LocalCampaign(self._core, book, request, self._perform)
        wire = Wire.of(self._core.model.naming, campaign, request, limits)
        self._controls[campaign.id] = book.control
        if campaign.id in self._wanted:
            book.control.set(self._wanted.pop(campaign.id))
        try:
            async with book.kept(), asyncio.TaskGroup() as parts:
                parts.create_task(local.run())
                parts.create_task(self._ask_hosts(book, wire, members, limits, local))
            await let_go(members.hosts)
            return book
        except BaseException:
            if not campaign.request_resource:  # whoever waited for the answer has gone
                self._core.start(self._forget(campaign.id), f"the end of campaign {campaign.id}")
            raise
        finally:
            del self._controls[campaign.id]
            self._superseded_early.pop(campaign.id, None)
            book.control.close()

    async def _ask_hosts(self, book: Book, wire: Wire, members: Members, limits: Limits, local: LocalCampaign) -> None:
        if not (members.hosts or members.silent):  # those who are silent may have gone from the tree
            local.close()
            return
        campaign = book.campaign
        size = len(book.rows)
        running = await aside(size, DeviceCampaign, self._core, book, wire, members, limits, local.follow)
        self._running[campaign.id] = running
        self._door.expect(campaign.id, running)
        running.give_up(self._superseded_early.pop(campaign.id, ()), Failure.SUPERSEDED)
        try:
            await running.run()
        finally:
            local.close()
            del self._running[campaign.id]
            self._late.count_for(campaign, members.hosts.keys() | members.elsewhere.keys(), running.answered)

    async def _supersede(self, superseded: list[tuple[str, Row]]) -> None:
        async for campaign_id, row in in_slices(superseded):
            if campaign_id in self._running:
                self._running[campaign_id].give_up([row.host], Failure.SUPERSEDED)
            elif campaign_id in self._superseded_early:
                self._superseded_early[campaign_id].append(row.host)

    async def _forget(self, campaign_id: str) -> None:
        await self._core.run(lambda work: work.transaction.campaigns.remove(campaign_id))


def _host(work: Work, identifier: str) -> Host | None:
    resource = work.transaction.resources.get(identifier)
    return None if resource is None else work.type_of(resource).host(resource)


def _freeze(work: Work, request: Request, visited: frozenset[str]) -> tuple[Frozen, Members]:
    frozen = freeze(work, request, visited)
    return frozen, Members.of(work.model.naming, frozen.rows, frozen.hosts)
