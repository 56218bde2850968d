"""Who is meant by a request to a fanOutPoint: the members at this moment, groups among them opened, each checked.

Freezing happens in one unit of work, so that all members are those of one moment; who joins later is not in it.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from cse.access import RIGHT_FOR, Guard
from cse.errors import BadRequest, NoMembers, NotFound, OriginatorHasNoPrivilege
from cse.fanout.elsewhere import Elsewhere
from cse.fanout.managed import device_of, may_manage
from cse.fanout.states import State
from cse.network import Host, Reason
from cse.primitive import Operation, Request, Response, error_response, kept
from cse.store import Resource, Row
from cse.tree.target import locate
from cse.work import Target, Work

WAITING = State.WAITING.value


@dataclass(slots=True)
class Frozen:
    """The group and one row per member. `hosts` are those that requests go out to, by identifier.

    `opened` are the groups gone through, the group itself first, each with what stands behind its fanOutPoint.
    """

    group: Resource
    rows: list[Row] = field(default_factory=list)
    hosts: dict[str, Host] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)


def freeze(work: Work, request: Request, visited: Collection[str] = ()) -> Frozen:
    """The members that the request goes to; raises what the standard says about the group as a whole.

    Groups in it that the request has `visited` before, by way of other CSEs, are not opened again.
    NotFound without the group, OriginatorHasNoPrivilege without the right on its fanOutPoint, NoMembers when it is
    empty, BadRequest when groupRequestTargetMembers names somebody who is not in it.
    """
    target = locate(work, request.to)
    if target.virtual is None or not target.virtual.fans_out:
        raise NotFound(f"{request.to} is not the fanOutPoint of a group: add /fopt to the group's address")
    guard = Guard(work, request)
    guard.require_fan_out(target.resource, RIGHT_FOR[request.operation])
    if work.transaction.lists.count(target.resource.ri) == 0:
        raise NoMembers(f"group {target.resource.path} has no members: add some to mid")
    walk = _Walk(work, request, guard, Frozen(target.resource), visited)
    walk.open(target.resource, target.tail, frozenset())
    walk.check_targets()
    return walk.frozen


class _Walk:
    """Goes through a group and the groups in it, loop-safe."""

    def __init__(self, work: Work, request: Request, guard: Guard, frozen: Frozen, visited: Collection[str]) -> None:
        self.frozen = frozen
        self._work = work
        self._request = request
        self._guard = guard
        self._wanted = set(request.group_target_members)
        self._found: set[str] = set()
        self._seen: set[tuple[str, str, str]] = set()
        self._others = Elsewhere(work)
        self._visited = visited
        self._virtual_names = work.model.virtual_names
        self._may_concern_devices = request.operation is Operation.NOTIFY or may_manage(work, request)

    def open(self, group: Resource, tail: str, inside: frozenset[str], *, all_wanted: bool = False) -> None:
        """Add the members of one group; `inside` are the groups on the way here."""
        inside |= {group.ri}
        self.frozen.opened.append(_visit(group, tail))
        every = all_wanted or not self._wanted
        for _, member, ri in self._work.transaction.lists.items(group.ri):
            wanted = every or member in self._wanted
            self._found.add(member)
            if ri is None or tail or not self._virtual_names.isdisjoint(member.split("/")):
                self._find(member, tail, inside, wanted=wanted)
            elif self._may_concern_devices:
                self._find_resource(member, ri, inside, wanted=wanted)
            elif wanted and self._is_first(member, (ri, "", "")):
                self._row(member, target=member)

    def check_targets(self) -> None:
        """BadRequest when the request wants members that no group has."""
        strangers = sorted(self._wanted - self._found)
        if strangers:
            raise BadRequest(f"grtm names {strangers[0][:80]}, which is not in mid: leave it out")

    def _find(self, member: str, tail: str, inside: frozenset[str], *, wanted: bool) -> None:
        """Go to what a member stands for by its address."""
        target = self._work.resolve(f"{member}/{tail}" if tail else member)
        if target is not None and target.virtual is not None and target.virtual.fans_out:
            self._nested(member, target, inside, all_wanted=wanted)
        elif wanted:
            self._add(member, target, tail)

    def _find_resource(self, member: str, ri: str, inside: frozenset[str], *, wanted: bool) -> None:
        """The same for one that is a resource as such."""
        resource = self._work.transaction.resources.look(ri)
        if resource is None:
            self._find(member, "", inside, wanted=wanted)
        elif wanted:
            self._add(member, Target(resource), "")

    def _nested(self, member: str, target: Target, inside: frozenset[str], *, all_wanted: bool) -> None:
        if target.resource.ri in inside or _visit(target.resource, target.tail) in self._visited:
            self._item(member, error_response(4104, f"{member} leads back to a group that is being fanned out"))
            return
        try:
            self._guard.require_fan_out(target.resource, RIGHT_FOR[self._request.operation])
        except OriginatorHasNoPrivilege as error:
            self._item(member, error_response(error.status_code, str(error)))
            return
        self.open(target.resource, target.tail, inside, all_wanted=all_wanted)

    def _add(self, member: str, target: Target | None, tail: str) -> None:
        if target is None:
            self._missing(member, tail)
            return
        if not self._is_first(member, (target.resource.ri, target.virtual.name if target.virtual else "", target.tail)):
            return
        if self._request.operation is Operation.NOTIFY:
            self._device(member, target)
        elif device := device_of(self._work, self._request, self._guard, target):
            self._host(member, target.resource, device)
        else:
            address = f"{member}/{tail}" if tail else member
            self._row(member, target=address)

    def _is_first(self, member: str, key: tuple[str, str, str]) -> bool:
        """Whether it has not been reached by another way before; otherwise that is its answer."""
        if key in self._seen:
            self._item(member, error_response(4104, f"{member} has got this request by another way already"))
            return False
        self._seen.add(key)
        return True

    def _missing(self, member: str, tail: str) -> None:
        address = f"{member}/{tail}" if tail else member
        if self._work.model.naming.local(member) is None:
            self._elsewhere(member, self._work.model.naming.originator(address))
        else:
            self._item(member, error_response(4004, f"there is no resource {address} on this CSE"))

    def _elsewhere(self, member: str, address: str) -> None:
        """On another CSE, which judges for itself whether the originator may do that to the member."""
        if self._work.model.naming.other_cse(address) == address:
            self._item(member, error_response(4000, f"{member} is a CSE, and no resource: add /- for its CSEBase"))
            return
        host = self._others.host(address, member)
        if host is None:
            self._row(member, state=State.UNREACHABLE.value, reason=Reason.OFFLINE.value)
        elif self._is_first(member, (host.id, "", "")):
            self.frozen.hosts[host.id] = host
            self._row(member, target=host.id, host=host.id)

    def _device(self, member: str, target: Target) -> None:
        host = None if target.virtual else self._work.type_of(target.resource).host(target.resource)
        if host is None:
            self._item(member, error_response(4005, f"{member} takes no notifications: only an AE does"))
            return
        if not self._guard.permits(target.resource, RIGHT_FOR[Operation.NOTIFY]):
            sentence = f"{self._guard.originator} has no NOTIFY privilege for {member}: its policy must grant it"
            self._item(member, error_response(4103, sentence))
            return
        self._host(member, target.resource, host)

    def _host(self, member: str, resource: Resource, host: Host) -> None:
        self.frozen.hosts[host.id] = host
        self._row(member, target=resource.ri, host=host.id)

    def _item(self, member: str, response: Response) -> None:
        """A member for which the answer is known here and now."""
        self._row(
            member,
            state=State.ANSWERED.value,
            status_code=response.status_code,
            content=kept(response.content),
            answered_at=self._work.now,
        )

    def _row(self, member: str, *, state: str = WAITING, target: str = "", host: str = "", **values: Any) -> None:
        rows = self.frozen.rows
        rows.append(Row(len(rows), member, target, host, state, **values))


def _visit(group: Resource, tail: str) -> str:
    return f"{group.ri}/{tail}"
