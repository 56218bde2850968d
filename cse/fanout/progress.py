"""Tells who asked for a fan-out how it goes: the <request> resource changes, and rt=2 gets the new answers."""

from collections.abc import Iterable, Sequence
from typing import Any

from cse.events import send_later
from cse.fanout.aggregate import aggregate, has_items, nobody_answered
from cse.fanout.states import FINISHED, State
from cse.notification import Outgoing
from cse.primitive import OK, Request, Response, ResponseType
from cse.store import Campaign, Row
from cse.work import Work

INTERVAL = 1.0  # seconds: a subscriber is not told about every single answer
MOST_AT_ONCE = 1000  # items in one notification, which has to fit into somebody's largest body


class Progress:
    """Of one campaign. `news` are rows settled since the originator was told last."""

    def __init__(self, campaign: Campaign, request: Request, rows: Sequence[Row]) -> None:
        self._campaign = campaign
        self.request = request
        self._news: list[Row] = []
        self._told_at = 0.0
        self.add(rows)

    def add(self, rows: Iterable[Row]) -> None:
        """These rows have been written; those that have left the state WAITING are news."""
        if self._campaign.request_resource:
            self._news.extend(row for row in rows if row.state != State.WAITING)

    def due_in(self, now: float) -> float | None:
        """Seconds until the news are to be told, None while there are none."""
        return max(0.0, self._told_at + INTERVAL - now) if self._news else None

    def take(self, now: float) -> list[Row]:
        """The news, if it is time to tell them; whoever takes them tells them, or gives them back with `add`."""
        if self.due_in(now) != 0:
            return []
        news, self._news = self._news, []
        self._told_at = now
        return news

    def tell(self, work: Work, news: Sequence[Row]) -> None:
        """In a unit of work: change the <request> resource and notify."""
        resource = work.transaction.resources.get(self._campaign.request_resource)
        if resource is not None:
            work.model.request_keeper.progress(work, resource)
            self._notify(work, news)

    def finish(self, work: Work) -> None:
        """In a unit of work, all rows being written: the campaign is over."""
        self._campaign.state = FINISHED
        self._campaign.finished_at = work.now
        work.transaction.campaigns.save(self._campaign)
        resource = work.transaction.resources.get(self._campaign.request_resource)
        if resource is not None:
            response = Response(OK) if has_items(work, self._campaign.id) else nobody_answered()
            work.model.request_keeper.close(work, resource, response)
            if response.succeeded:
                self._notify(work, self._news)
            else:
                notify_originator(work, self.request, response)

    def _notify(self, work: Work, news: Sequence[Row]) -> None:
        if self.request.response_type is not ResponseType.NON_BLOCKING_ASYNCH:
            return
        for start in range(0, len(news), MOST_AT_ONCE):
            content = aggregate(self.request, news[start : start + MOST_AT_ONCE])
            if content["m2m:agr"]["m2m:rsp"]:
                notify_originator(work, self.request, Response(OK, content))


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
