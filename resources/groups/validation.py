"""consistencyStrategy: what follows from members of other types, now and when their CSEs can be reached again."""

from collections.abc import Collection, Mapping
from typing import Any

from cse.events import GROUP_CHANGED, announce, inquire_later
from cse.notification import Event, EventType
from cse.store import Resource
from cse.tree.delete import remove
from cse.tree.update import change
from cse.work import Work
from resources.common.reachability import UNREACHABLE
from resources.groups.members import Member, member_of
from resources.groups.types import MIXED, MOST_ASKED, Verdict, judge, judge_elsewhere, require_fitting

ABANDON_MEMBER, ABANDON_GROUP, SET_MIXED = 1, 2, 3
QUEUE = "members of unknown type"
FIRST_PAUSE = 10.0  # seconds until CSEs that could not be reached are asked again; it doubles each time
LONGEST_PAUSE = 3600.0
ATTEMPTS = "_inquiries"

Changes = dict[str, Any]


def validated(work: Work, group: Resource, members: list[Member]) -> tuple[list[Member], Changes]:
    """The members that the group keeps, and what changes in its attributes; raises where it must not have them."""
    attributes = group.attributes
    unknown: list[str] = []
    changes: Changes = {}
    if attributes["mt"] != MIXED:
        verdicts = judge(work, attributes, members)
        unknown = [name for name, verdict in verdicts.items() if verdict is Verdict.UNKNOWN]
        if Verdict.WRONG in verdicts.values():
            members, changes = _consistent(attributes, members, verdicts)
    if "mt" in changes:
        unknown = []
    _wait_for(work, group, unknown)
    return members, changes | {"mtv": not unknown}


def ring(work: Work, group: Resource) -> None:
    """It is time to ask again; the next time is set whatever comes of it."""
    attempts = group.attributes.get(ATTEMPTS, 0)
    group.attributes[ATTEMPTS] = attempts + 1
    work.transaction.resources.update(group)
    work.alarm(group, UNREACHABLE, work.now + min(FIRST_PAUSE * 2.0 ** min(attempts, 20), LONGEST_PAUSE))
    inquire_later(work, group)


def inquire(work: Work, group: Resource) -> None:
    """Ask about members of unknown type, in the name of the group's creator, and do what follows."""
    queues = work.transaction.queues
    waiting = queues.items(group.ri, QUEUE, MOST_ASKED)
    present = {name for _, name, _ in work.transaction.lists.items(group.ri)}
    members = [member_of(work, item.document) for item in waiting if item.document in present]
    verdicts = judge_elsewhere(work, group.attributes, members, group.creator)
    queues.remove(item.id for item in waiting)
    if Verdict.FITS in verdicts.values():
        group.attributes.pop(ATTEMPTS, None)
        work.alarm(group, UNREACHABLE, work.now)  # others of its CSE may be waiting, and there may be many of them
    for name, verdict in verdicts.items():
        if verdict in (Verdict.UNKNOWN, Verdict.FORBIDDEN):
            queues.append(group.ri, QUEUE, name)
    _conclude(work, group, {name for name, verdict in verdicts.items() if verdict in (Verdict.WRONG, Verdict.MISSING)})


def _consistent(
    attributes: Mapping[str, Any], members: list[Member], verdicts: Mapping[str, Verdict]
) -> tuple[list[Member], Changes]:
    if attributes["csy"] == SET_MIXED:
        return members, _mixed(attributes)
    if attributes["csy"] == ABANDON_GROUP:
        require_fitting(attributes, verdicts)
    return [member for member in members if verdicts[member.name] is not Verdict.WRONG], {}


def _mixed(attributes: Mapping[str, Any]) -> Changes:
    return {"mt": MIXED} | ({"spty": None} if "spty" in attributes else {})


def _wait_for(work: Work, group: Resource, unknown: list[str]) -> None:
    queues, alarms = work.transaction.queues, work.transaction.alarms
    queues.clear(group.ri, QUEUE)
    alarms.cancel(group.ri, UNREACHABLE)
    group.attributes.pop(ATTEMPTS, None)
    for name in unknown:
        queues.append(group.ri, QUEUE, name)
    if unknown:
        work.alarm(group, UNREACHABLE, work.now + FIRST_PAUSE)


def _conclude(work: Work, group: Resource, wrong: Collection[str]) -> None:
    """The strategy for members that turned out to be wrong; the group is validated when nobody waits any more."""
    if wrong and group.attributes["csy"] == ABANDON_GROUP:
        remove(work, group)
        return
    changes: Changes = {}
    if wrong and group.attributes["csy"] == SET_MIXED:
        changes = _mixed(group.attributes)
        work.transaction.queues.clear(group.ri, QUEUE)
    elif wrong:
        changes = {"mid": _without(work, group, wrong)}
    if not work.transaction.queues.count(group.ri, QUEUE):
        _wait_for(work, group, [])
        changes["mtv"] = True
    if changes:
        change(work, group, changes)
        announce(work, Event(EventType.UPDATED, group, group, tuple(changes)))


def _without(work: Work, group: Resource, names: Collection[str]) -> list[str]:
    lists = work.transaction.lists
    kept = [(name, target) for _, name, target in lists.items(group.ri) if name not in names]
    lists.replace(group.ri, kept)
    work.later(GROUP_CHANGED, {"group": group.ri})
    return [name for name, _ in kept]
