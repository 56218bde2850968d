"""How a campaign stands in the store when it begins and when it goes on after a restart."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from cse.fanout.schedule import Pending, silent
from cse.fanout.states import RUNNING, Failure, State
from cse.network import Host
from cse.primitive import Operation, Request
from cse.store import Campaign, Row
from cse.timing import precise_timestamp
from cse.work import Work


@dataclass(frozen=True, slots=True)
class Limits:
    """Until when a fan-out may send, and when it ends, in seconds since 1970; relative times count from `accepted`."""

    accepted: float
    send_until: float
    deadline: float


def enter(
    work: Work, request: Request, request_resource: str, group: str, rows: Sequence[Row], limits: Limits
) -> tuple[Campaign, list[tuple[str, Row]]]:
    """Store the campaign; the rows of older ones that it supersedes are the second result."""
    campaigns = work.transaction.campaigns
    campaign = Campaign(
        id=work.new_identifier("cmp"),
        sequence=max(campaigns.last_sequence() + 1, int(work.now * 1e6)),
        group=group,
        request=request.to_json(),
        request_resource=request_resource,
        created=limits.accepted,
        deadline=limits.deadline,
        state=RUNNING,
    )
    campaigns.add(campaign, rows)
    resource = work.transaction.resources.get(request_resource)
    if resource is not None:
        work.model.request_keeper.attach(work, resource, campaign.id)
    return campaign, supersede_older(work, campaign) if request.operation is Operation.NOTIFY else []


def supersede_older(work: Work, campaign: Campaign) -> list[tuple[str, Row]]:
    """Older device requests that these members have not got yet must not reach them any more."""
    campaigns = work.transaction.campaigns
    superseded = [(older, row) for older, row in campaigns.others(campaign.id, State.WAITING) if row.host]
    for older, found in groupby(superseded, itemgetter(0)):
        campaigns.write(
            older, [row._replace(state=State.FAILED.value, reason=Failure.SUPERSEDED.value) for _, row in found]
        )
    return superseded


def left_over(work: Work) -> list[Campaign]:
    """The campaigns to go on with, oldest first. Those whose originator was waiting for the answer are forgotten.

    What was under way at a crash may have written a row as WAITING that a newer campaign had superseded.
    """
    campaigns = work.transaction.campaigns
    resumed = []
    for campaign in reversed(campaigns.all()):
        if not campaign.request_resource:
            campaigns.remove(campaign.id)
        elif campaign.state == RUNNING:
            if Request.from_json(campaign.request).operation is Operation.NOTIFY:
                supersede_older(work, campaign)
            resumed.append(campaign)
    return resumed


@dataclass(frozen=True, slots=True)
class Members:
    """The rows of a campaign by position, its hosts by AE-ID, and those that are silent, for the schedule."""

    rows: list[Row]
    hosts: dict[str, Host]
    silent: list[Pending]

    @classmethod
    def of(cls, rows: list[Row], hosts: dict[str, Host]) -> "Members":
        """Call it where it may take long: not in the event loop."""
        return cls(rows, hosts, silent(rows, hosts))


def stored_members(work: Work, campaign_id: str) -> Members:
    """Of a stored campaign; its hosts are as they are in the tree now."""
    rows = work.transaction.campaigns.rows(campaign_id)
    hosts: dict[str, Host] = {}
    for row in rows:
        resource = work.transaction.resources.get(row.target) if row.host else None
        host = None if resource is None else work.type_of(resource).host(resource)
        if host is not None:
            hosts[host.id] = host
    return Members.of(rows, hosts)


def wire_request(campaign: Campaign, request: Request, limits: Limits) -> Request:
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
