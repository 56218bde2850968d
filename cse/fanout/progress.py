"""Tells who asked for a fan-out how it goes: the <request> resource changes, and rt=2 gets the new answers."""

from typing import Any

from cse.events import send_later
from cse.fanout.aggregate import aggregate, final_response
from cse.fanout.states import FINISHED, State
from cse.primitive import OK, Request, Response, ResponseType
from cse.resource import Outgoing, Work
from cse.store import Campaign, Row

INTERVAL = 1.0  # seconds: a subscriber is not told about every single answer


class Progress:
    """Of one campaign. `news` are rows settled since the originator was told last."""

    def __init__(self, campaign: Campaign, request: Request, news: list[Row]) -> None:
        self._campaign = campaign
        self._request = request
        self._news = news
        self._told_at = 0.0

    def add(self, rows: list[Row]) -> None:
        """These rows have just left the state WAITING."""
        self._news.extend(row for row in rows if row.state != State.WAITING)

    def is_due(self, now: float) -> bool:
        """Whether there is something to tell and the last time is long enough ago."""
        return bool(self._news and self._campaign.request_resource) and now - self._told_at >= INTERVAL

    def tell(self, work: Work) -> None:
        """In a unit of work: change the <request> resource and notify. Call `told` after its commit."""
        resource = work.transaction.resources.get(self._campaign.request_resource)
        if resource is not None:
            work.model.request_keeper.progress(work, resource)
            self._notify(work, aggregate(self._request, self._news))

    def told(self, now: float) -> None:
        """The originator knows everything up to now."""
        self._news.clear()
        self._told_at = now

    def finish(self, work: Work) -> None:
        """In a unit of work, all rows being written: the campaign is over."""
        self._campaign.state = FINISHED
        self._campaign.finished_at = work.now
        work.transaction.campaigns.save(self._campaign)
        resource = work.transaction.resources.get(self._campaign.request_resource)
        if resource is not None:
            response = final_response(work, self._campaign.id)
            work.model.request_keeper.close(work, resource, response)
            if not response.succeeded:
                notify_originator(work, self._request, response)
            elif self._news:
                self._notify(work, aggregate(self._request, self._news))

    def _notify(self, work: Work, content: dict[str, Any]) -> None:
        notify_originator(work, self._request, Response(OK, content))


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
        if response.content is not None:
            primitive["pc"] = response.content
        send_later(work, Outgoing(target, {"m2m:rsp": primitive}, request.event_category))
