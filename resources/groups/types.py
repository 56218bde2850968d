"""memberType: whether members are of the type that a group is for (TS-0004 clause 7.4.13.2.1).

Of members here this is seen at once. Those on other CSEs are retrieved there; as long as that is not possible they wait
in a queue of the group, and memberTypeValidated is false.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import Any

from cse.access import Guard, Right
from cse.errors import (
    BadRequest,
    GroupMemberTypeInconsistent,
    NotFound,
    OriginatorHasNoPrivilege,
    ReceiverHasNoPrivilege,
)
from cse.forwarding import carrier
from cse.primitive import Response
from cse.work import Work
from resources.groups.members import Member

MIXED = 0
NEVER = (45, 10005)  # localMulticastGroup and its announced form
OF_VIRTUAL_CHILD = {"ol": 20001, "la": 20002}
FAN_OUT_POINT = "fopt"
SPECIALIZED = {13: "mgd", 28: "cnd"}  # which attribute says what a member of this type is
MOST_ASKED = 1000  # members on other CSEs in one inquiry

Attributes = Mapping[str, Any]


class Verdict(Enum):
    """What has become known about a member."""

    FITS = auto()
    WRONG = auto()
    MISSING = auto()
    FORBIDDEN = auto()
    UNKNOWN = auto()


def check_type(attributes: Attributes) -> None:
    """BadRequest if no group can be for this memberType, or specializationType does not go with it."""
    if attributes["mt"] in NEVER:
        raise BadRequest(f"mt must not be {attributes['mt']}: groups have no such members")
    name = SPECIALIZED.get(attributes["mt"])
    if "spty" in attributes and list(attributes["spty"]) != [name]:
        raise BadRequest(
            "spty must have mgd with mt 13, cnd with mt 28, and goes with no other mt: correct or remove it"
        )


def judge(work: Work, wanted: Attributes, members: Sequence[Member]) -> dict[str, Verdict]:
    """The verdict about each member by its name, for whoever asks for the members; raises what is known at once.

    ReceiverHasNoPrivilege if he may not retrieve one of them, NotFound if one that is elsewhere does not exist.
    """
    assert work.request is not None
    guard = Guard(work, work.request)
    elsewhere = judge_elsewhere(work, wanted, [one for one in members if not one.is_here], guard.originator)
    for name, verdict in elsewhere.items():
        if verdict is Verdict.FORBIDDEN:
            raise ReceiverHasNoPrivilege(_forbidden(guard.originator, name))
        if verdict is Verdict.MISSING:
            raise NotFound(f"mid names {name}, which its CSE does not have: remove it")
    return {member.name: elsewhere.get(member.name) or _judge_here(work, guard, wanted, member) for member in members}


def judge_elsewhere(work: Work, wanted: Attributes, members: Iterable[Member], asker: str) -> dict[str, Verdict]:
    """The same for members on other CSEs, in the name of somebody: of so many as can be asked about at a time."""
    on_the_way = _Ways(work)
    reachable = [member for member in members if on_the_way.lead_to(member.place)][:MOST_ASKED]
    answers = work.elsewhere([member.place for member in reachable], asker) if reachable else {}
    verdicts = {member.name: Verdict.UNKNOWN for member in members}
    for member in reachable:
        verdicts[member.name] = _verdict(work, wanted, member, answers[member.place])
    return verdicts


def require_fitting(wanted: Attributes, verdicts: Mapping[str, Verdict]) -> None:
    """GroupMemberTypeInconsistent if a member is of another type."""
    meant = f"mt={wanted['mt']}" + (f" and spty={wanted['spty']}" if "spty" in wanted else "")
    for name, verdict in verdicts.items():
        if verdict is Verdict.WRONG:
            raise GroupMemberTypeInconsistent(f"member {name} is not of type {meant}: remove it or use csy 1 or 3")


class _Ways:
    """Remembers which CSEs can be asked."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._known: dict[str | None, bool] = {}

    def lead_to(self, address: str) -> bool:
        cse = self._work.model.naming.other_cse(address)
        if cse not in self._known:
            self._known[cse] = carrier(self._work, address) is not None
        return self._known[cse]


def _judge_here(work: Work, guard: Guard, wanted: Attributes, member: Member) -> Verdict:
    resource = work.transaction.resources.get(member.place)
    assert resource is not None
    try:
        guard.require(resource, Right.RETRIEVE, names=["ty"])
    except OriginatorHasNoPrivilege as error:
        raise ReceiverHasNoPrivilege(_forbidden(guard.originator, member.name)) from error
    fits = _fits(wanted, resource.attributes, member.virtual)
    return Verdict.FITS if fits else Verdict.WRONG


def _verdict(work: Work, wanted: Attributes, member: Member, response: Response) -> Verdict:
    if response.status_code == NotFound.status_code:
        return Verdict.MISSING
    if response.status_code in (OriginatorHasNoPrivilege.status_code, ReceiverHasNoPrivilege.status_code):
        return Verdict.FORBIDDEN
    if not response.succeeded or not isinstance(response.content, dict):
        return Verdict.UNKNOWN
    attributes = next(iter(response.content.values()), None)
    if not isinstance(attributes, dict) or not _has_child(work, attributes, member.virtual):
        return Verdict.WRONG
    return Verdict.FITS if _fits(wanted, attributes, member.virtual) else Verdict.WRONG


def _has_child(work: Work, attributes: Attributes, virtual: str) -> bool:
    kind = work.model.types.get(attributes.get("ty", 0))
    return not virtual or (kind is not None and virtual in kind.virtual_children)


def _fits(wanted: Attributes, attributes: Attributes, virtual: str) -> bool:
    """Whether a resource with these attributes, or that virtual child of it, is what the group is for."""
    specialization = wanted.get("spty", {})
    if virtual == FAN_OUT_POINT:
        return bool(attributes.get("mt") == wanted["mt"] and attributes.get("spty", {}) == specialization)
    if virtual:
        return bool(OF_VIRTUAL_CHILD.get(virtual) == wanted["mt"])
    is_special = all(attributes.get(name) == value for name, value in specialization.items())
    return attributes.get("ty") == wanted["mt"] and is_special


def _forbidden(originator: str, name: str) -> str:
    return f"the type of member {name} can't be checked, as {originator} may not retrieve it: its policy must grant it"
