"""group (TS-0001 clause 9.6.13) with its virtual child fanOutPoint (clause 9.6.14). Its members are rows.

In `resources.groups`, `members` says who they are, `types` and `validation` what is checked about them, and
`aggregation` collects the notifications of subscriptions that were made through the fanOutPoint.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from cse.attributes import (
    BOOLEAN,
    CREATOR,
    DURATION,
    IDENTIFIER,
    NON_NEGATIVE,
    NP,
    POSITIVE,
    REGULAR,
    TEXT,
    Attribute,
    M,
    O,
    list_of,
    one_of,
    record,
    table,
)
from cse.errors import MaxNumberOfMembersExceeded
from cse.events import GROUP_CHANGED
from cse.primitive import Operation, Request
from cse.resource import Collective, VirtualChild
from cse.store import Resource
from cse.work import Work
from resources.common.reachability import UNREACHABLE
from resources.groups import aggregation, validation
from resources.groups.members import distinct
from resources.groups.types import FAN_OUT_POINT, MIXED, check_type

BATCH = record(num_=NON_NEGATIVE, dur_=DURATION)
SPECIALIZATION = record(mgd_=NON_NEGATIVE, cnd_=IDENTIFIER)


class FanOutPoint(VirtualChild):
    """Whatever is sent to it is sent to every member."""

    name = FAN_OUT_POINT
    operations = frozenset(Operation)
    fans_out = True


class Group(Collective):
    number = 9
    name = "group"
    short_name = "grp"
    parents = frozenset({2, 5, 16})
    takes_notifications = True
    virtual_children = {FanOutPoint.name: FanOutPoint()}  # noqa: RUF012 - a constant
    attributes = table(
        REGULAR,
        CREATOR,
        Attribute("mt", "memberType", NON_NEGATIVE, O, NP, required=True, default=MIXED),
        Attribute("spty", "specializationType", SPECIALIZATION, O, NP),
        Attribute("cnm", "currentNrOfMembers", NON_NEGATIVE, NP, NP, required=True),
        Attribute("mnm", "maxNrOfMembers", POSITIVE, M, O, required=True),
        Attribute("mid", "memberIDs", list_of(IDENTIFIER, may_be_empty=True), M, O, required=True, long_list=True),
        Attribute("macp", "membersAccessControlPolicyIDs", list_of(IDENTIFIER), O, O),
        Attribute("mtv", "memberTypeValidated", BOOLEAN, NP, NP),
        Attribute("csy", "consistencyStrategy", one_of(1, 2, 3), O, NP, required=True, default=1),
        Attribute("gn", "groupName", TEXT, O, O),
        Attribute("ssi", "semanticSupportIndicator", BOOLEAN, NP, NP),
        Attribute("nar", "notifyAggregation", BATCH, O, O),
    )

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        attributes = resource.attributes
        check_type(attributes)
        changes = self._set_members(work, resource, attributes.pop("mid"), attributes["mnm"])
        resource.attributes = {name: value for name, value in (attributes | changes).items() if value is not None}

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        most = changes.get("mnm", resource.attributes["mnm"])
        if "mid" in changes:
            found = self._set_members(work, resource, changes["mid"], most)
            known = resource.attributes
            changes |= {name: value for name, value in found.items() if value != known.get(name)}
        elif most < work.transaction.lists.count(resource.ri):
            raise MaxNumberOfMembersExceeded("mnm must not be below the present number of members: remove some first")

    def updated(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        if "nar" in changes:
            aggregation.flush(work, resource)

    def of_members(self, members: Sequence[str], policy: str = "") -> dict[str, Any]:
        return {"mid": list(members), "mnm": len(members), **({"macp": [policy]} if policy else {})}

    def leaving(self, work: Work, resource: Resource) -> None:
        aggregation.flush(work, resource)

    def fanned_out(self, work: Work, resource: Resource, request: Request, hosts: Collection[str]) -> Request:
        return aggregation.adapted(work, resource, request, hosts)

    def notified(self, work: Work, resource: Resource, request: Request) -> None:
        aggregation.receive(work, resource, request)

    def deleted(self, work: Work, resource: Resource) -> None:
        work.later(GROUP_CHANGED, {"group": resource.ri})

    def list_changed(self, work: Work, resource: Resource) -> None:
        work.later(GROUP_CHANGED, {"group": resource.ri})

    def alarm(self, work: Work, resource: Resource, name: str) -> None:
        if name == UNREACHABLE:
            validation.ring(work, resource)
        else:
            aggregation.ring(work, resource, name)

    def inquire(self, work: Work, resource: Resource) -> None:
        validation.inquire(work, resource)

    def audit(self, work: Work, resource: Resource) -> Iterator[str]:
        members, most = work.transaction.lists.count(resource.ri), resource.attributes["mnm"]
        if members > most:
            yield f"it has {members} members, and mnm allows {most}: UPDATE mnm, or mid"

    def compose(self, work: Work, resource: Resource) -> dict[str, Any]:
        members = [item for _, item, _ in work.transaction.lists.items(resource.ri)]
        return super().compose(work, resource) | {"mid": members, "cnm": len(members)}

    def _set_members(self, work: Work, resource: Resource, names: list[str], most: int) -> dict[str, Any]:
        """Make these the members; what changes in other attributes (None deletes)."""
        members = distinct(work, names)
        if len(members) > most:
            raise MaxNumberOfMembersExceeded(f"mid has {len(members)} members, mnm allows {most}: raise mnm")
        members, changes = validation.validated(work, resource, members)
        items = [(one.name, one.place if one.is_here else None) for one in members]
        work.transaction.lists.replace(resource.ri, items)
        work.later(GROUP_CHANGED, {"group": resource.ri})
        return changes
