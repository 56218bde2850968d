"""How a fan-out goes, as a flexContainer: to be retrieved, subscribed to, and to stop it by. A part of this CSE.

Its attributes are those of the table `cse:campaign` (`specializations/campaigns.toml`).
"""

import dataclasses
from collections.abc import Mapping
from math import inf
from typing import Any

from cse.attributes import NP, table
from cse.errors import BadRequest, OperationNotAllowed
from cse.events import CAMPAIGN_CONTROLLED, announce
from cse.fanout.states import CANCELLED, PAUSED, RUNNING
from cse.notification import Event, EventType
from cse.resource import CampaignKeeper
from cse.store import Campaign, Resource
from cse.timing import timestamp
from cse.tree.create import add
from cse.tree.update import change
from cse.work import Work
from resources.container import Container
from resources.flex_container import FlexContainer
from resources.specializations.family import ROOT

PLACE = "campaigns"  # the container below the CSEBase that the reports are in
WANTED = (RUNNING, PAUSED, CANCELLED)


class CampaignReport(FlexContainer, CampaignKeeper):
    """Its creator is the originator of the request; `_campaign` is the fan-out."""

    table_root = "cse:campaign"
    creatable = False
    touchable = False
    attributes = table(dataclasses.replace(row, update=NP) for row in FlexContainer.attributes.values())

    def open(self, work: Work, campaign: Campaign, request: Resource) -> Resource:
        attributes = {
            ROOT: self.root,
            "_campaign": campaign.id,
            "et": request.attributes["et"],
            "cnd": self.table.definition if self.table else "",
            "state": campaign.state,
            "group": campaign.group,
            "request": request.ri,
            "start": timestamp(campaign.created),
            "deadline": timestamp(campaign.deadline),
        }
        attributes["cs"] = self._size(attributes)
        return add(work, self, _place(work), attributes, request.creator, campaign.id)

    def report(self, work: Work, resource: Resource, values: Mapping[str, Any]) -> None:
        changes = {name: value for name, value in values.items() if resource.attributes.get(name) != value}
        if changes:
            size = self._size(resource.attributes | changes)
            change(work, resource, changes | {"cs": size})
            announce(work, Event(EventType.UPDATED, resource, resource, tuple(changes)))

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        wanted = changes["state"]
        if wanted not in WANTED:
            raise BadRequest(f"state can be set to {', '.join(WANTED)}; {wanted} is what the CSE says of the end")
        campaign = work.transaction.campaigns.get(resource.attributes["_campaign"])
        if campaign is None or campaign.finished_at is not None or resource.attributes["state"] == CANCELLED:
            raise OperationNotAllowed(f"the fan-out is over or cancelled: its state can't become {wanted} any more")
        work.later(CAMPAIGN_CONTROLLED, {"campaign": campaign.id, "state": wanted}, awaited=True)

    def deleting(self, work: Work, resource: Resource) -> None:
        if work.transaction.resources.get(resource.attributes["request"]) is not None:
            raise OperationNotAllowed(f"the report goes with its <request>: delete {resource.attributes['request']}")


def _place(work: Work) -> Resource:
    """The container, made when it is wanted; the CSEBase if something else has its name."""
    base = work.target(work.model.naming.cse_name).resource
    found = work.transaction.resources.find(f"{base.path}/{PLACE}")
    if found is None:
        kind = work.model.types[Container.number]
        return add(work, kind, base, {"et": timestamp(inf)}, base.creator, PLACE)
    return found if found.ty == Container.number else base
