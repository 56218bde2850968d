"""How a campaign stands in the store when it begins and when it goes on after a restart."""

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from cse.address import Naming
from cse.events import is_request_identifier
from cse.fanout.elsewhere import Elsewhere
from cse.fanout.schedule import Pending, silent
from cse.fanout.split import directories
from cse.fanout.states import RUNNING, Failure, State
from cse.network import Host
from cse.primitive import Operation, Request
from cse.store import Campaign, Row
from cse.work import Work


@dataclass(frozen=True, slots=True)
class Limits:
    """Until when a fan-out may send, and when it ends, in seconds since 1970; relative times count from `accepted`."""

    accepted: float
    send_until: float
    deadline: float


def enter(
    work: Work, request: Request, request_resource: str, group: str, members: "Members", limits: Limits
) -> tuple[Campaign, list[tuple[str, Row]]]:
    """Store the campaign; the rows of older ones that it supersedes are the second result."""
    campaigns = work.transaction.campaigns
    campaign = Campaign(
        id=_identifier(work, request),
        sequence=max(campaigns.last_sequence() + 1, int(work.now * 1e6)),
        group=group,
        request=request.to_json(),
        request_resource=request_resource,
        created=limits.accepted,
        deadline=limits.deadline,
        state=RUNNING,
    )
    resource = work.transaction.resources.get(request_resource)
    keeper = work.model.campaign_keeper
    report = None if resource is None or keeper is None else keeper.open(work, campaign, resource)
    if report is not None:
        campaign.document["report"] = report.ri
    if members.to_be_stored(request_resource):
        campaigns.add(campaign, members.rows)
    else:
        campaign.document["members"] = len(members.rows)
        campaigns.add(campaign, ())
    if resource is not None:
        work.model.request_keeper.attach(work, resource, campaign.id, report)
    return campaign, supersede_older(work, campaign) if request.operation is Operation.NOTIFY else []


def _identifier(work: Work, request: Request) -> str:
    """A new one, but that of the request if this CSE has sent it by itself: it may have sent it before a crash."""
    naming, identifier = work.model.naming, request.request_identifier
    is_own = naming.originator(request.originator) == naming.cse_id and is_request_identifier(identifier)
    if is_own and work.transaction.campaigns.get(identifier) is None:
        return identifier
    return work.new_identifier("cmp")


def supersede_older(work: Work, campaign: Campaign) -> list[tuple[str, Row]]:
    """Older device requests that these members have not got yet must not reach them any more."""
    campaigns = work.transaction.campaigns
    superseded: list[tuple[str, Row]] = []
    others = (each for each in campaigns.others(campaign.id, State.WAITING) if each[1].host)
    for older, found in groupby(others, itemgetter(0)):
        if _is_device_request(campaigns.get(older)):
            rows = [row for _, row in found]
            lost = [row._replace(state=State.FAILED.value, reason=Failure.SUPERSEDED.value) for row in rows]
            campaigns.write(older, lost)
            superseded += [(older, row) for row in rows]
    return superseded


def _is_device_request(campaign: Campaign | None) -> bool:
    """Operations on members elsewhere are for hosts as well; the newest of them has nothing to do with the others."""
    return campaign is not None and Request.from_json(campaign.request).operation is Operation.NOTIFY


def left_over(work: Work) -> list[Campaign]:
    """The campaigns to go on with, oldest first. Those whose originator was waiting for the answer are forgotten.

    What was under way at a crash may have written a row as WAITING that a newer campaign had superseded.
    """
    campaigns = work.transaction.campaigns
    resumed = []
    for campaign in reversed(campaigns.all()):
        if not campaign.request_resource:
            campaigns.remove(campaign.id)
        elif campaign.finished_at is None:
            if _is_device_request(campaign):
                supersede_older(work, campaign)
            resumed.append(campaign)
    return resumed


@dataclass(frozen=True, slots=True)
class Members:
    """The rows of a campaign by position, its hosts by identifier, and those that are silent, for the schedule.

    `elsewhere` has the hosts on other CSEs once more, by CSE-ID and address (`cse.fanout.split`).
    """

    rows: list[Row]
    hosts: dict[str, Host]
    silent: list[Pending]
    elsewhere: dict[str, dict[str, str]]

    @classmethod
    def of(cls, naming: Naming, rows: list[Row], hosts: dict[str, Host]) -> "Members":
        """Call it where it may take long: not in the event loop."""
        return cls(rows, hosts, silent(rows, hosts), directories(naming, hosts.values()))

    def to_be_stored(self, request_resource: str) -> bool:
        """Whether their rows have to be in the store: somebody asks for them later, or hosts answer, now or late.

        The rows of a fan-out to members here whose originator waits for the answer are of no use to anybody else: after
        a restart it is forgotten, and what it has done by then is in the tree.
        """
        return bool(request_resource or self.hosts)


def stored_members(work: Work, campaign_id: str) -> Members:
    """Of a stored campaign; its hosts are as they are in the tree now."""
    rows = work.transaction.campaigns.rows(campaign_id)
    hosts: dict[str, Host] = {}
    elsewhere = Elsewhere(work)
    for row in rows:
        host = _host(work, elsewhere, row) if row.host else None
        if host is not None:
            hosts[host.id] = host
    return Members.of(work.model.naming, rows, hosts)


def _host(work: Work, elsewhere: Elsewhere, row: Row) -> Host | None:
    if row.host.startswith("/"):
        return elsewhere.host(row.host, row.member)
    resource = work.transaction.resources.get(row.target)
    if resource is None:
        return None
    kind = work.type_of(resource)
    return kind.host(resource) or kind.device(work, resource)
