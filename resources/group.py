"""group (TS-0001 clause 9.6.13) with its virtual child fanOutPoint (clause 9.6.14). Its members are rows."""

from collections.abc import Iterable, Mapping
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
from cse.errors import BadRequest, GroupMemberTypeInconsistent, MaxNumberOfMembersExceeded, NotFound
from cse.events import GROUP_CHANGED
from cse.primitive import Operation, Request
from cse.resource import ResourceType, VirtualChild
from cse.store import Resource
from cse.work import Target, Work

MIXED = 0
MEMBER_TYPE_OF_VIRTUAL_CHILD = {"ol": 20001, "la": 20002}
ABANDON_MEMBER, ABANDON_GROUP, SET_MIXED = 1, 2, 3


BATCH = record(num_=NON_NEGATIVE, dur_=DURATION)

SPECIALIZED = {13: "mgd", 28: "cnd"}  # which attribute says what a member of this type is
SPECIALIZATION = record(mgd_=NON_NEGATIVE, cnd_=IDENTIFIER)


class FanOutPoint(VirtualChild):
    """Whatever is sent to it is sent to every member."""

    name = "fopt"
    operations = frozenset(Operation)
    fans_out = True


class Group(ResourceType):
    number = 9
    name = "group"
    short_name = "grp"
    parents = frozenset({2, 5, 16})
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
        Attribute("csy", "consistencyStrategy", one_of(1, 2, 3), O, NP, required=True, default=ABANDON_MEMBER),
        Attribute("gn", "groupName", TEXT, O, O),
        Attribute("ssi", "semanticSupportIndicator", BOOLEAN, NP, NP),
        Attribute("nar", "notifyAggregation", BATCH, O, O, needs="aggregation of notifications"),
    )

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        _check_specialization(resource.attributes)
        self._set_members(work, resource, resource.attributes.pop("mid"), resource.attributes["mnm"])

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        most = changes.get("mnm", resource.attributes["mnm"])
        if "mid" in changes:
            self._set_members(work, resource, changes["mid"], most)
        elif most < work.transaction.lists.count(resource.ri):
            raise MaxNumberOfMembersExceeded("mnm must not be below the present number of members: remove some first")

    def deleted(self, work: Work, resource: Resource) -> None:
        work.later(GROUP_CHANGED, {"group": resource.ri})

    def list_changed(self, work: Work, resource: Resource) -> None:
        work.later(GROUP_CHANGED, {"group": resource.ri})

    def compose(self, work: Work, resource: Resource) -> dict[str, Any]:
        members = [item for _, item, _ in work.transaction.lists.items(resource.ri)]
        return super().compose(work, resource) | {"mid": members, "cnm": len(members)}

    def _set_members(self, work: Work, resource: Resource, members: list[str], most: int) -> None:
        resolved = _without_duplicates(work, members)
        if len(resolved) > most:
            raise MaxNumberOfMembersExceeded(f"mid has {len(resolved)} members, mnm allows {most}: raise mnm")
        if resource.attributes["mt"] != MIXED:
            resolved = _consistent(work, resource, resolved)
        resource.attributes["mtv"] = all(target is not None for _, target in resolved)
        items = [(member, target.resource.ri if target else None) for member, target in resolved]
        work.transaction.lists.replace(resource.ri, items)
        work.later(GROUP_CHANGED, {"group": resource.ri})


Members = list[tuple[str, Target | None]]


def _without_duplicates(work: Work, members: Iterable[str]) -> Members:
    """Each member once, in the order of first mention, with what it stands for (None: on another CSE)."""
    found: dict[tuple[str, ...], tuple[str, Target | None]] = {}
    missing: list[str] = []
    for member in members:
        target = work.resolve(member)
        if target is None and work.model.naming.local(member) is not None:
            missing.append(member)
        else:
            found.setdefault(_key(member, target), (member, target))
    if missing:
        raise NotFound(f"mid names {len(missing)} resources that do not exist, such as {', '.join(missing[:5])}")
    return list(found.values())


def _key(member: str, target: Target | None) -> tuple[str, ...]:
    if target is None:
        return (member,)
    return (target.resource.ri, target.virtual.name if target.virtual else "", target.tail)


def _consistent(work: Work, group: Resource, members: Members) -> Members:
    """The members that fit memberType, as consistencyStrategy wants it (TS-0004 clause 7.4.13.2.1)."""
    attributes = group.attributes
    fitting = [(member, target) for member, target in members if _fits(work, attributes, target)]
    if len(fitting) == len(members) or attributes["csy"] == ABANDON_MEMBER:
        return fitting
    if attributes["csy"] == SET_MIXED:
        attributes["mt"] = MIXED
        attributes.pop("spty", None)
        return members
    wrong = next(member for member, target in members if not _fits(work, attributes, target))
    meant = f"mt={attributes['mt']}" + (f" and spty={attributes['spty']}" if "spty" in attributes else "")
    raise GroupMemberTypeInconsistent(f"member {wrong} is not of type {meant}: remove it or use csy 1 or 3")


def _check_specialization(attributes: Mapping[str, Any]) -> None:
    name = SPECIALIZED.get(attributes["mt"])
    if "spty" in attributes and list(attributes["spty"]) != [name]:
        raise BadRequest(
            "spty must have mgd with mt 13, cnd with mt 28, and goes with no other mt: correct or remove it"
        )


def _fits(work: Work, wanted: Mapping[str, Any], target: Target | None) -> bool:
    """Whether a member has the type and the specialisation that the group wants; one on another CSE may have them."""
    if target is None or _member_type(work, target) != wanted["mt"]:
        return target is None
    specialization = wanted.get("spty", {})
    if target.virtual is not None and target.virtual.fans_out:
        return bool(target.resource.attributes.get("spty", {}) == specialization)
    return all(target.resource.attributes.get(name) == value for name, value in specialization.items())


def _member_type(work: Work, target: Target) -> int:
    if target.virtual is None:
        return target.resource.ty
    if target.virtual.fans_out:
        return int(target.resource.attributes["mt"])
    if target.virtual.name not in MEMBER_TYPE_OF_VIRTUAL_CHILD:
        raise BadRequest(f"{target.virtual.name} can't be the end of a member identifier")
    return MEMBER_TYPE_OF_VIRTUAL_CHILD[target.virtual.name]
