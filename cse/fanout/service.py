"""Begins, resumes and looks after fan-outs."""

import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cse.core import Core
from cse.door import Door
from cse.errors import BadRequest, NotFound, OperationNotAllowed, RequestTimeout
from cse.fanout.aggregate import final_response
from cse.fanout.book import Book
from cse.fanout.devices import DeviceCampaign, plan_document
from cse.fanout.local import LocalCampaign
from cse.fanout.members import Frozen, freeze
from cse.fanout.progress import Progress
from cse.fanout.reach import gather
from cse.fanout.seen import SeenRequests
from cse.fanout.states import FINISHED, RUNNING, Failure, State
from cse.matching import choose
from cse.network import Host
from cse.primitive import Operation, Request, Response, ResponseType
from cse.resource import Work
from cse.store import Campaign, Row
from cse.timing import parse_moment, precise_timestamp

log = logging.getLogger(__name__)

REMEMBERED = 100  # finished campaigns whose late answers are still counted


@dataclass(frozen=True, slots=True)
class Limits:
    """Until when a fan-out may send, and when it ends, in seconds since 1970."""

    send_until: float
    deadline: float


class FanOut:
    """All fan-outs of this server."""

    def __init__(self, core: Core, door: Door) -> None:
        self._core = core
        self._door = door
        self._running: dict[str, DeviceCampaign] = {}
        self._finished: OrderedDict[str, None] = OrderedDict()
        self._unfinished = 0
        self._seen = SeenRequests()

    def limits(self, request: Request, accepted: float) -> Limits:
        """From the expiration parameters of the request, or the settings; RequestTimeout when they lie in the past."""
        settings = self._core.settings
        patient = request.response_type in (ResponseType.NON_BLOCKING_SYNCH, ResponseType.NON_BLOCKING_ASYNCH)
        default = accepted + (settings.campaign_deadline if patient else settings.blocking_deadline)
        latest = accepted + settings.max_lifetime
        result = _moment(request.result_expiration, accepted, "X-M2M-RST")
        sending = _moment(request.request_expiration, accepted, "X-M2M-RET")
        if sending is not None and sending <= accepted:
            raise RequestTimeout("X-M2M-RET lies in the past: the request has expired")
        if result is not None and result < (sending or accepted):
            raise BadRequest("X-M2M-RST must lie after X-M2M-RET: give a later resultExpirationTimestamp")
        deadline = min(result or sending or default, latest)
        return Limits(min(sending or deadline, deadline), deadline)

    async def blocking(self, request: Request) -> Response:
        """Fan out and return the aggregated answer; raises CSEError."""
        campaign_id = await self.begin(request, "")
        response = await self._core.read(lambda work: final_response(work, campaign_id))
        await self._core.run(lambda work: work.transaction.campaigns.remove(campaign_id))
        return response

    async def begin(self, request: Request, request_resource: str, accepted: float | None = None) -> str:
        """Fan out and return the campaign's identifier when it is over; the <request> resource follows its progress."""
        if self._unfinished >= self._core.settings.max_campaigns:
            raise OperationNotAllowed("too many fan-outs are under way (max_campaigns): try again later")
        self._unfinished += 1
        try:
            limits = self.limits(request, self._core.clock.now() if accepted is None else accepted)
            frozen = await self._core.read(lambda work: freeze(work, request))
            self._seen.enter(request.group_request_identifier, request.to, self._core.clock.now(), limits.deadline)
            campaign, superseded = await self._core.run(
                lambda work: _enter(work, request, request_resource, frozen, limits)
            )
            self._supersede(superseded)
            await self._carry_out(campaign, request, frozen.rows, frozen.hosts, limits)
            return campaign.id
        finally:
            self._unfinished -= 1

    async def resume(self) -> None:
        """After a restart: go on with what was under way, for the silent members only."""
        for campaign in await self._core.read(lambda work: work.transaction.campaigns.all(state=RUNNING)):
            if campaign.request_resource:
                self._core.start(self._resume(campaign), f"campaign {campaign.id}")
            else:
                await self._core.run(lambda work, gone=campaign.id: work.transaction.campaigns.remove(gone))  # type: ignore[misc]

    async def plan(self, request: Request) -> dict[str, Any]:
        """What would be sent by which network, without sending; members that are not asked are counted apart."""
        frozen = await self._core.read(lambda work: freeze(work, request))
        hosts = list(frozen.hosts.values())
        offers = gather(self._core.networks.values(), hosts, request, frozen.group.ri)
        now = self._core.clock.now()
        limits = self.limits(request, now)
        plan = choose(offers, available_ms=int((limits.deadline - now) * 1000))
        refused: dict[str, int] = {}
        for row in frozen.rows:
            if row.state != State.WAITING:
                key = str(row.status_code or row.reason)
                refused[key] = refused.get(key, 0) + 1
        return {"group": frozen.group.path, "notAsked": refused} | plan_document(plan, hosts)

    def cancel(self, campaign_id: str) -> None:
        """Stop sending; the silent members are CANCELLED. NotFound if it is not under way."""
        campaign = self._running.get(campaign_id)
        if campaign is None:
            raise NotFound(f"there is no campaign {campaign_id} under way")
        campaign.cancel()

    async def _resume(self, campaign: Campaign) -> None:
        request = Request.from_json(campaign.request)
        limits = self.limits(request, campaign.created)
        rows = await self._core.read(lambda work: work.transaction.campaigns.rows(campaign.id))
        hosts = await self._core.read(lambda work: _hosts(work, rows))
        log.info("resuming campaign %s with %d members", campaign.id, len(rows))
        await self._carry_out(campaign, request, rows, hosts, limits)

    async def _carry_out(
        self, campaign: Campaign, request: Request, rows: list[Row], hosts: Mapping[str, Host], limits: Limits
    ) -> None:
        progress = Progress(campaign, request, [row for row in rows if row.state != State.WAITING])
        if request.operation is not Operation.NOTIFY:
            await LocalCampaign(self._core, campaign, request, rows, progress).run()
            return
        book = Book(self._core, campaign, rows, progress)
        wire = _wire_request(campaign, request, limits)
        running = DeviceCampaign(self._core, book, wire, hosts, limits.send_until, limits.deadline)
        self._running[campaign.id] = running
        self._door.expect(campaign.id, running)
        try:
            await running.run()
        finally:
            del self._running[campaign.id]
            self._remember(campaign.id)

    def _remember(self, campaign_id: str) -> None:
        """Answers that come late are still counted as such for a while."""
        self._finished[campaign_id] = None
        if len(self._finished) > REMEMBERED:
            self._door.forget(self._finished.popitem(last=False)[0])

    def _supersede(self, superseded: list[tuple[str, Row]]) -> None:
        for campaign_id, row in superseded:
            if campaign_id in self._running:
                self._running[campaign_id].give_up([row.host], Failure.SUPERSEDED)


def _moment(text: str | None, now: float, name: str) -> float | None:
    return None if text is None else parse_moment(text, now, name)


def _enter(
    work: Work, request: Request, request_resource: str, frozen: Frozen, limits: Limits
) -> tuple[Campaign, list[tuple[str, Row]]]:
    """Store the campaign; older requests that its members have not got yet are superseded by it."""
    campaigns = work.transaction.campaigns
    campaign = Campaign(
        id=work.new_identifier("cmp"),
        sequence=max(campaigns.last_sequence() + 1, int(work.now * 1e6)),
        group=frozen.group.ri,
        request=request.to_json(),
        request_resource=request_resource,
        created=work.now,
        deadline=limits.deadline,
        state=RUNNING,
    )
    campaigns.add(campaign, frozen.rows)
    superseded = campaigns.others(campaign.id, State.WAITING) if request.operation is Operation.NOTIFY else []
    for campaign_id, row in superseded:
        campaigns.write(campaign_id, [row._replace(state=State.FAILED.value, reason=Failure.SUPERSEDED.value)])
    resource = work.transaction.resources.get(request_resource)
    if resource is not None:
        work.model.request_keeper.attach(work, resource, campaign.id)
    return campaign, superseded


def _hosts(work: Work, rows: list[Row]) -> dict[str, Host]:
    """The hosts of a campaign's members as they are in the tree now."""
    found: dict[str, Host] = {}
    for row in rows:
        resource = work.transaction.resources.get(row.target) if row.host else None
        host = None if resource is None else work.type_of(resource).host(resource)
        if host is not None:
            found[host.id] = host
    return found


def _wire_request(campaign: Campaign, request: Request, limits: Limits) -> Request:
    """What every device gets, on whatever path, attempt and restart."""
    return Request(
        operation=request.operation,
        to=request.to,
        originator=request.originator,
        request_identifier=campaign.id,
        content=request.content,
        release_version=request.release_version,
        originating_timestamp=precise_timestamp(campaign.sequence / 1e6),
        request_expiration=precise_timestamp(limits.send_until),
        event_category=request.event_category,
    )


__all__ = ["FINISHED", "FanOut"]
