"""The operator's view under /.cse/: campaigns, plans, networks. For the administrator only."""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Mount, Route

from cse.cluster.handover import Campaigns
from cse.core import Core
from cse.door import Door
from cse.errors import (
    HTTP_STATUS_BY_RESPONSE_STATUS_CODE,
    BadRequest,
    CSEError,
    NotFound,
    OriginatorHasNoPrivilege,
    OriginatorNotAuthenticated,
)
from cse.fanout.report import campaign_report, find_campaign, member_page
from cse.fanout.service import FanOut
from cse.fanout.states import ACCEPTED, WAITING_FOR_DEVICE, Failure, State
from cse.http.binding import read_body
from cse.network import Reason
from cse.primitive import OK, Operation, Request, ResponseType
from cse.security.identity import Identities
from cse.serialization.formats import JSON
from cse.store import Campaign
from cse.work import Work

Handler = Callable[[HttpRequest], Awaitable[Any]]

PAGES = "/.cse"
MOST_CAMPAIGNS = 1000
METHODS = ["GET", "POST", "PUT", "DELETE"]
MOST_MEMBERS = 10_000
REASONS = (*Failure, *Reason, WAITING_FOR_DEVICE)


class Operator:
    """Routes for whoever runs the server. Everything an application needs is in the tree instead."""

    def __init__(
        self,
        core: Core,
        door: Door,
        fan_out: FanOut,
        campaigns: Campaigns,
        identities: Identities,
        notifications: Callable[[], Mapping[str, int]],
    ) -> None:
        self._core = core
        self._door = door
        self._fan_out = fan_out
        self._under_way = campaigns
        self._identities = identities
        self._notifications = notifications

    def routes(self) -> Mount:
        """To be put in front of the HTTP binding: everything below /.cse."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/health", self._health),
            ("GET", "/networks", self._networks),
            ("POST", "/plan", self._plan),
            ("GET", "/campaigns", self._campaigns),
            ("GET", "/campaigns/{campaign}", self._campaign),
            ("GET", "/campaigns/{campaign}/members", self._members),
            ("DELETE", "/campaigns/{campaign}", self._cancel),
        ]
        routes = [Route(path, self._guarded(handler), methods=[method]) for method, path, handler in table]
        return Mount(PAGES, routes=[*routes, Route("/{path:path}", self._guarded(_nothing), methods=METHODS)])

    def _guarded(self, handler: Handler) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
        async def endpoint(http: HttpRequest) -> HttpResponse:
            try:
                self._admit(http)
                document, code = await handler(http), OK
            except CSEError as error:
                document, code = {"m2m:dbg": str(error)}, error.status_code
            status = HTTP_STATUS_BY_RESPONSE_STATUS_CODE[code]
            return HttpResponse(orjson.dumps(document), status, {"X-M2M-RSC": str(code)}, "application/json")

        return endpoint

    def _admit(self, http: HttpRequest) -> None:
        admin = self._core.settings.admin_originator
        if not admin or http.headers.get("x-m2m-origin") != admin:
            raise OriginatorHasNoPrivilege("X-M2M-Origin must be the administrator's (admin_originator)")
        if not self._identities.vouch(http.scope, admin):
            raise OriginatorNotAuthenticated(
                "/.cse/ is for a credential that covers the administrator, or without any for the server's own machine"
            )

    async def _health(self, http: HttpRequest) -> dict[str, Any]:
        await self._core.read(lambda work: work.transaction.campaigns.last_sequence())
        return {
            "status": "ok",
            "cseId": self._core.model.naming.cse_id,
            "process": self._core.store.company.process,
            "pid": os.getpid(),
            "conducts": self._core.store.company.conducts,
            "strayAnswers": self._door.strays,
            "notifications": self._notifications(),
            "longestStall": round(self._core.stalls.take(), 3),
        }

    async def _networks(self, http: HttpRequest) -> dict[str, Any]:
        counters = {name: dict(network.counters()) for name, network in self._core.networks.items()}
        return {"networks": list(counters), "counters": {name: counts for name, counts in counters.items() if counts}}

    async def _plan(self, http: HttpRequest) -> dict[str, Any]:
        """Body: {"group": address, "originator": AE-ID, "content": primitive content}; the last two may be missing."""
        settings = self._core.settings
        body = JSON.read(await read_body(http.receive, settings.max_body_bytes), settings.content_limits)
        if not isinstance(body, dict) or not isinstance(body.get("group"), str):
            raise BadRequest("group must name a group, cse-in/city for example")
        (name,) = self._core.model.fan_out_names
        request = Request(
            Operation.NOTIFY,
            f"{body['group'].removesuffix('/' + name)}/{name}",
            str(body.get("originator") or settings.admin_originator),
            "plan",
            content=body.get("content", EXAMPLE),
            response_type=ResponseType.NON_BLOCKING_SYNCH,
        )
        return await self._under_way.plan(request)

    async def _campaigns(self, http: HttpRequest) -> dict[str, Any]:
        limit = _number(http, "limit", 100, MOST_CAMPAIGNS)

        def unit(work: Work) -> list[dict[str, Any]]:
            campaigns = work.transaction.campaigns.all(limit=limit)
            return [campaign_report(work, campaign) for campaign in campaigns]

        return {"campaigns": await self._core.read(unit)}

    async def _campaign(self, http: HttpRequest) -> dict[str, Any]:
        """By its identifier, or by that of its <request> resource."""
        wanted = http.path_params["campaign"]
        return await self._core.read(lambda work: campaign_report(work, self._find(work, wanted)))

    async def _members(self, http: HttpRequest) -> dict[str, Any]:
        """A page of members: `state` and `reason` filter, `after` is where to go on from, `limit` the page's length."""
        wanted = http.path_params["campaign"]
        state, reason = (http.query_params.get(name, "") for name in ("state", "reason"))
        if state and state not in set(State):
            raise BadRequest(f"state must be one of {', '.join(State)}")
        if reason and reason not in REASONS:
            raise BadRequest(f"reason must be one of {', '.join(REASONS)}")
        after, limit = _number(http, "after", -1), _number(http, "limit", 1000, MOST_MEMBERS)
        return await self._core.read(
            lambda work: member_page(work, self._find(work, wanted), state, reason, after=after, limit=limit)
        )

    async def _cancel(self, http: HttpRequest) -> dict[str, Any]:
        wanted = http.path_params["campaign"]
        campaign = await self._core.read(lambda work: self._find(work, wanted))
        await self._under_way.cancel(campaign.id)
        return {"cancelled": campaign.id}

    def _find(self, work: Work, wanted: str) -> Campaign:
        """By its identifier or by that of its <request> resource, which is there first; NotFound if there is none."""
        campaign = find_campaign(work, wanted) or self._accepted(work, wanted)
        if campaign is None:
            raise NotFound(f"there is no campaign {wanted[:80]!r}")
        return campaign

    def _accepted(self, work: Work, wanted: str) -> Campaign | None:
        """What stands for a fan-out that has been accepted and not begun; it has no identifier and no members yet."""
        keeper = work.model.request_keeper
        resource = work.resource(wanted)
        request = keeper.waiting(resource) if resource and work.type_of(resource) is keeper else None
        if resource is None or request is None or not work.model.fans_out(request):
            return None
        accepted = resource.attributes["_accepted"]
        deadline = self._fan_out.limits(request, accepted).deadline
        return Campaign("", 0, request.to, b"", resource.ri, accepted, deadline, ACCEPTED)


EXAMPLE = {"m2m:sgn": {"sur": "example", "nev": {"rep": {"m2m:cin": {"con": '{"interval": 900}'}}}}}


async def _nothing(http: HttpRequest) -> Any:
    raise NotFound(f"{http.method} {http.url.path[:200]} is nothing here: docs/groups.md lists what there is")


def _number(http: HttpRequest, name: str, default: int, most: int | None = None) -> int:
    text = http.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise BadRequest(f"{name} must be an integer of 0 or more")
    return int(text) if most is None else min(int(text), most)
