"""Tells who asked for a fan-out how it goes: the <request> resource changes, and rt=2 gets the new answers."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from cse.events import send_later
from cse.fanout.aggregate import aggregate, has_items, nobody_answered
from cse.fanout.control import STOPPED
from cse.fanout.states import FINISHED, State
from cse.fanout.tally import Tally
from cse.notification import Outgoing
from cse.primitive import OK, Request, Response, ResponseType
from cse.store import Campaign, Row
from cse.work import Work

INTERVAL = 1.0  # seconds: a subscriber is not told about every single answer
MOST_AT_ONCE = 1000  # items in one notification, which has to fit into somebody's largest body


class News(NamedTuple):
    """What the originator is to hear: rows settled since he was told last, and what the report says now."""

    rows: list[Row]
    report: dict[str, Any]


class Progress:
    """Of one campaign, as far as it has been written."""

    def __init__(self, campaign: Campaign, request: Request, rows: Sequence[Row]) -> None:
        self._campaign = campaign
        self.request = request
        self._rows: list[Row] = []
        self._is_stale = False
        self._told_at = 0.0
        self._tally = Tally(len(rows))
        self.add(rows, is_changed=False)

    def add(self, rows: Collection[Row], *, is_changed: bool = True) -> None:
        """These rows have been written, perhaps with something else that has changed."""
        if self._campaign.request_resource:
            settled = [row for row in rows if row.state != State.WAITING]
            self._rows += settled
            self._tally.add(rows)
            self._is_stale |= is_changed or bool(settled)

    def due_in(self, now: float) -> float | None:
        """Seconds until there is something to tell, None while nothing has changed."""
        return max(0.0, self._told_at + INTERVAL - now) if self._is_stale else None

    def take(self, now: float) -> News | None:
        """The news, if it is time to tell them; whoever takes them tells them, or puts them back."""
        if self.due_in(now) != 0:
            return None
        news = News(self._rows, self._tally.values(self._campaign))
        self._rows, self._is_stale, self._told_at = [], False, now
        return news

    def put_back(self, news: News) -> None:
        """They could not be told."""
        self._rows, self._is_stale = news.rows + self._rows, True

    def tell(self, work: Work, news: News) -> None:
        """In a unit of work: change the <request> resource and the report, and notify."""
        report(work, self._campaign, news.report)
        resource = work.transaction.resources.get(self._campaign.request_resource)
        if resource is not None and news.rows:
            work.model.request_keeper.progress(work, resource)
            self._notify(work, news.rows)

    def finish(self, work: Work) -> None:
        """In a unit of work, all rows being written: the campaign is over."""
        campaign = self._campaign
        campaign.state = campaign.state if campaign.state in STOPPED else FINISHED
        campaign.finished_at = work.now
        work.transaction.campaigns.save(campaign)
        resource = work.transaction.resources.get(campaign.request_resource)
        if resource is not None:
            report(work, campaign, self._tally.values(campaign))
            response = Response(OK) if has_items(work, campaign.id) else nobody_answered()
            work.model.request_keeper.close(work, resource, response)
            if response.succeeded:
                self._notify(work, self._rows)
            else:
                notify_originator(work, self.request, response)

    def _notify(self, work: Work, news: Sequence[Row]) -> None:
        if self.request.response_type is not ResponseType.NON_BLOCKING_ASYNCH:
            return
        for start in range(0, len(news), MOST_AT_ONCE):
            content = aggregate(self.request, news[start : start + MOST_AT_ONCE])
            if content["m2m:agr"]["m2m:rsp"]:
                notify_originator(work, self.request, Response(OK, content))


def report(work: Work, campaign: Campaign, values: dict[str, Any]) -> None:
    """In a unit of work: the campaign's report in the tree says this."""
    keeper = work.model.campaign_keeper
    resource = work.transaction.resources.get(campaign.document.get("report", ""))
    if keeper is not None and resource is not None:
        keeper.report(work, resource, values)


def notify_originator(work: Work, request: Request, response: Response) -> None:
    """For rt=2: the response goes to the notification targets, without any to the originator (TS-0004 7.3.1.2)."""
    if request.response_type is not ResponseType.NON_BLOCKING_ASYNCH:
        return
    targets = request.notification_uris
    for target in (request.originator,) if targets is None else targets:
        primitive: dict[str, Any] = {
            "rsc": response.status_code,
            "rqi": request.request_identifier,
            "to": request.originator,
            "fr": work.model.naming.cse_id,
        }
        echoed = {"rvi": request.release_version, "vsi": request.vendor_information}
        primitive |= {name: value for name, value in echoed.items() if value is not None}
        if response.content is not None:
            primitive["pc"] = response.content
        send_later(work, Outgoing(target, {"m2m:rsp": primitive}, request.event_category))
