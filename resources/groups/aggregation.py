"""Notifications of subscriptions that were made through a fanOutPoint with notificationForwardingURI (nfu).

The members' subscriptions notify the group, which collects for each target what comes from any of them and sends it
together. `_forwarded` are those that the group knows of. Where another group host is in charge already (groupID is
there), each notification is passed on to that one as it comes.
"""

from collections.abc import Collection, Iterable
from typing import Any, TypedDict

from cse.attributes import IDENTIFIER, list_of, meant
from cse.errors import BadRequest, OriginatorHasNoPrivilege
from cse.events import send_later
from cse.notification import Outgoing
from cse.primitive import Operation, Request
from cse.store import Resource
from cse.timing import parse_duration
from cse.work import Work
from resources.notifications.batches import portions
from resources.notifications.consent import verify

ALARM = "forward to "
KNOWN = "_forwarded"
MOST_KNOWN = 1000
ROOT = "m2m:sub"
TARGETS = list_of(IDENTIFIER)


class Forwarding(TypedDict):
    """Of one subscription below every member: its address behind the fanOutPoint, and which CSEs have it.

    What comes with this `nfu` goes to `targets`, one by one if it `passes` through.
    """

    name: str
    nfu: list[str]
    targets: list[str]
    passes: bool
    hosts: list[str]


def adapted(work: Work, group: Resource, request: Request, hosts: Collection[str]) -> Request:
    """What the members, which these CSEs host, get instead of a request: subscriptions notify the group."""
    tail = work.target(request.to).tail
    if request.operation is Operation.DELETE and not request.group_target_members:
        _forget(work, group, tail)
    content = request.content.get(ROOT) if isinstance(request.content, dict) else None
    if not isinstance(content, dict) or content.get("nfu") is None or _is_made_by(work, group, content.get("gpi")):
        return request
    own = work.model.naming.sp_relative(group.ri)
    if request.operation is Operation.CREATE:
        content = {"rn": work.new_identifier("sub"), **content}  # by which it can be deleted from all members
        tail = f"{tail}/{content['rn']}".removeprefix("/")
    _remember(work, group, _forwarding(content, tail), hosts)
    return request.derive(content={ROOT: content | {"nu": [own], "gpi": own}})


def receive(work: Work, group: Resource, request: Request) -> None:
    """Take a notification in; OriginatorHasNoPrivilege unless it comes from a host of a member that has subscribed."""
    sender = work.model.naming.originator(request.originator)
    known: list[Forwarding] = [one for one in group.attributes.get(KNOWN, []) if sender in one["hosts"]]
    for notification in _notifications(request):
        forwarding = next((one for one in known if _belongs(notification, one)), None)
        if forwarding is None:
            raise OriginatorHasNoPrivilege(
                f"{sender} has no subscription with this nfu from {group.path}/fopt: subscribe through it"
            )
        if not notification.get("vrq"):
            _take(work, group, forwarding, notification)


def ring(work: Work, group: Resource, name: str) -> None:
    """The first of those that wait for a target has waited for long enough."""
    _flush(work, group, name.removeprefix(ALARM))


def flush(work: Work, group: Resource) -> None:
    """Send whatever waits."""
    for target in sorted({target for one in group.attributes.get(KNOWN, []) for target in one["targets"]}):
        _flush(work, group, target)


def _is_made_by(work: Work, group: Resource, outer: Any) -> bool:
    """Whether the host of the outer group has made this one to address its own members together: they stay its own."""
    return isinstance(outer, str) and bool(outer) and work.model.naming.other_cse(outer) == group.creator


def _forwarding(content: dict[str, Any], name: str) -> Forwarding:
    nfu = meant(TARGETS, content["nfu"])
    passes = content.get("gpi") is not None
    targets = meant(TARGETS, content.get("nu")) if passes else nfu
    if not (TARGETS.accepts(nfu) and TARGETS.accepts(targets)):
        raise BadRequest("nfu and nu must be lists of AE identifiers or URLs")
    return Forwarding(name=name, nfu=nfu, targets=targets, passes=passes, hosts=[])


def _remember(work: Work, group: Resource, wanted: Forwarding, hosts: Iterable[str]) -> None:
    """The targets must accept to be notified, unless they have before."""
    known: list[Forwarding] = group.attributes.get(KNOWN, [])
    same = [one for one in known if wanted | {"hosts": one["hosts"]} == one]
    others = [one for one in known if one not in same]
    if len(others) >= MOST_KNOWN:
        raise BadRequest(f"nfu: there are {MOST_KNOWN} subscriptions through {group.path}/fopt: delete one there")
    wanted["hosts"] = sorted({*hosts, *(host for one in same for host in one["hosts"])})
    if [wanted] == same:
        return
    work.require_writing()
    verify(work, group, [] if same else wanted["targets"])
    group.attributes[KNOWN] = [*others, wanted]
    work.transaction.resources.update(group)


def _forget(work: Work, group: Resource, name: str) -> None:
    known: list[Forwarding] = group.attributes.get(KNOWN, [])
    kept = [one for one in known if one["name"] != name]
    if len(kept) < len(known):
        work.require_writing()
        flush(work, group)
        group.attributes[KNOWN] = kept
        work.transaction.resources.update(group)


def _notifications(request: Request) -> list[dict[str, Any]]:
    """Each by itself, whether they came alone or together."""
    content: Any = request.content
    if isinstance(content, dict) and isinstance(content.get("m2m:agn"), dict):
        content = content["m2m:agn"]
    found = content.get("m2m:sgn") if isinstance(content, dict) else None
    several: list[Any] = found if isinstance(found, list) else [found]
    if not several or not all(isinstance(one, dict) for one in several):
        raise BadRequest("the content must be m2m:sgn, or m2m:agn with a list m2m:sgn")
    return several


def _belongs(notification: dict[str, Any], forwarding: Forwarding) -> bool:
    """Notifications say by nfu whose they are; a verification, which has none, is for any."""
    nfu = notification.get("nfu")
    return bool(notification.get("vrq")) or forwarding["nfu"] in (nfu, [nfu])


def _take(work: Work, group: Resource, forwarding: Forwarding, notification: dict[str, Any]) -> None:
    for target in forwarding["targets"]:
        if forwarding["passes"]:
            send_later(work, Outgoing(target, {"m2m:sgn": notification}))
        else:
            _collect(work, group, target, notification)


def _collect(work: Work, group: Resource, target: str, notification: dict[str, Any]) -> None:
    queues, limits = work.transaction.queues, group.attributes.get("nar", {})
    queues.append(group.ri, ALARM + target, notification)
    count = queues.count(group.ri, ALARM + target)
    if count >= work.model.settings.max_batch or _is_enough(work, group, count):
        _flush(work, group, target)
    elif count == 1:
        duration = parse_duration(limits.get("dur", f"PT{work.model.settings.batch_duration}S"))
        work.alarm(group, ALARM + target, work.now + duration)


def _is_enough(work: Work, group: Resource, count: int) -> bool:
    """As many as nar says or, without looking at all of a large group, as there are members."""
    wanted = group.attributes.get("nar", {}).get("num")
    return count >= (wanted or len(work.transaction.lists.items(group.ri, limit=count + 1)))


def _flush(work: Work, group: Resource, target: str) -> None:
    queues = work.transaction.queues
    waiting = [item.document for item in queues.items(group.ri, ALARM + target)]
    queues.clear(group.ri, ALARM + target)
    work.transaction.alarms.cancel(group.ri, ALARM + target)
    for portion in portions(waiting):
        send_later(work, Outgoing(target, {"m2m:agn": {"m2m:sgn": portion}}))
