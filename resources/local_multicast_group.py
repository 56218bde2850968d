"""localMulticastGroup (TS-0001 clause 9.6.44): a multicast address at which this CSE listens for a group elsewhere.

The CSE that hosts the group makes it by unicast. What it sends to the address then is meant for the members here.
"""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from cse.attributes import (
    ANNOUNCEMENT,
    DURATION,
    DYNAMIC_POLICIES,
    EXPIRATION,
    IDENTIFIER,
    LABELS,
    NP,
    POLICY_IDS,
    TEXT,
    UNIVERSAL,
    Attribute,
    DataType,
    M,
    O,
    list_of,
    table,
)
from cse.consent import Listening
from cse.errors import BadRequest, Conflict, OperationNotAllowed, OriginatorHasNoPrivilege
from cse.events import MEMBERSHIP_CHANGED
from cse.network import Membership
from cse.primitive import Request
from cse.resource import Neighbour, ResourceType
from cse.store import Resource
from cse.timing import parse_duration
from cse.work import Work

MOST_OF_ONE_HOST = 1000
MOST_MEMBERS = 10_000
# Where the multicast address, the members or the way to answer change, the network has to know.
HEARD_BY_NETWORK = {"mad", "mli", "rstt", "rstw"}
_PORT = re.compile(r":([1-9][0-9]{0,4})")


def _is_multicast(value: Any) -> bool:
    """An IPv6 address has brackets around it where a port follows."""
    if not isinstance(value, str):
        return False
    head, colon, tail = value.rpartition(":")
    has_port = bool(colon) and ("." in head or head.endswith("]"))
    address = head.removeprefix("[").removesuffix("]") if has_port else value
    try:
        is_multicast = ipaddress.ip_address(address).is_multicast
    except ValueError:
        return False
    return is_multicast and (not has_port or (bool(_PORT.fullmatch(colon + tail)) and int(tail) < 0x10000))


MULTICAST_ADDRESS = DataType(
    "a multicast IP address such as 239.192.1.2, with a colon and a port behind it where that is not CoAP's",
    _is_multicast,
)


class LocalMulticastGroup(ResourceType):
    """Its creator, which is the group host, may do with it what it likes; nobody else without a policy."""

    number = 45
    name = "localMulticastGroup"
    short_name = "lmg"
    parents = frozenset({5})
    subscribable = False
    attributes = table(
        UNIVERSAL,
        LABELS,
        POLICY_IDS,
        EXPIRATION,
        DYNAMIC_POLICIES,
        ANNOUNCEMENT,
        Attribute("egid", "externalGroupID", IDENTIFIER, O, O),
        Attribute("mad", "multicastAddress", MULTICAST_ADDRESS, M, O, required=True),
        Attribute("mgft", "multicastGroupFanoutTarget", IDENTIFIER, M, NP, required=True),
        Attribute("mli", "memberList", list_of(IDENTIFIER), M, O, required=True),
        Attribute("rstt", "responseTarget", IDENTIFIER, O, O, required=True, chosen=True),
        Attribute("rstw", "responseTimeWindow", DURATION, O, O),
        Attribute("tmgi", "TMGI", TEXT, O, O),
    )

    def admits(self, work: Work) -> bool:
        """Every CSE that is registered here may host groups with members here."""
        return _is_cse(work, work.originator)

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        host = resource.creator
        if not _is_cse(work, host):
            raise OriginatorHasNoPrivilege("a localMulticastGroup is made by a CSE that is registered here: register")
        _check_target(resource.attributes["mgft"], host)
        _check_members(work, resource.attributes["mli"])
        _check_others(work, resource, parent)
        resource.attributes.setdefault("rstt", host)
        self._listen(work, resource)

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        if "mli" in changes:
            _check_members(work, changes["mli"])
        if "rstt" in changes and changes["rstt"] is None:
            changes["rstt"] = resource.creator
        if changes.get("mad", resource.attributes["mad"]) != resource.attributes["mad"]:
            moved = Resource(resource.path, resource.creator, _changed(resource.attributes, changes))
            parent = work.transaction.resources.get(resource.pi)
            if parent is not None:
                _check_others(work, moved, parent)
            self._listen(work, moved, locks=resource.ri)

    def updated(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        if HEARD_BY_NETWORK.intersection(changes):
            work.later(MEMBERSHIP_CHANGED, {"group": resource.ri})

    def deleting(self, work: Work, resource: Resource) -> None:
        membership = self.membership(resource)
        work.ask([Listening(f"leave {membership.address}", membership, joins=False)], locks=resource.ri)

    def deleted(self, work: Work, resource: Resource) -> None:
        """Not by a DELETE, perhaps: its time is over."""
        work.later(MEMBERSHIP_CHANGED, {"group": resource.ri})

    def membership(self, resource: Resource) -> Membership:
        attributes = resource.attributes
        return Membership(
            identifier=resource.ri,
            group_host=resource.creator,
            address=attributes["mad"],
            target=attributes["mgft"],
            members=tuple(attributes["mli"]),
            response_target=attributes["rstt"],
            window=parse_duration(attributes["rstw"]) if "rstw" in attributes else None,
        )

    def _listen(self, work: Work, resource: Resource, locks: str = "") -> None:
        """A multicast address that can't be joined is an error before anything is done."""
        membership = self.membership(resource)
        need = Listening(f"join {membership.address}", membership, joins=True)
        work.ask([need], identifier="" if locks else resource.ri, locks=locks)


def _is_cse(work: Work, originator: str) -> bool:
    registrant = work.registrant(originator)
    return registrant is not None and isinstance(work.type_of(registrant), Neighbour)


def _check_target(target: str, host: str) -> None:
    if not re.fullmatch(rf"{re.escape(host)}/[A-Za-z0-9._~-]{{1,128}}", target):
        raise BadRequest(f"mgft must be {host}/ and one name, which stands for the group: correct it")


def _check_members(work: Work, members: list[str]) -> None:
    if len(members) > MOST_MEMBERS:
        raise BadRequest(f"mli has {len(members)} members, at most {MOST_MEMBERS} are possible: divide the group")
    for member in members:
        if work.model.naming.local(member) is None:
            raise BadRequest(f"mli names {member[:80]!r}, which is not on this CSE: leave it out")


def _check_others(work: Work, resource: Resource, parent: Resource) -> None:
    """What its creator has here already: not too much, and nothing that stands for the same requests."""
    children = work.transaction.resources.children(parent.ri, resource.ty)
    others = [other for other in children if other.creator == resource.creator and other.ri != resource.ri]
    if len(others) >= MOST_OF_ONE_HOST:
        raise OperationNotAllowed(f"{resource.creator} has {len(others)} multicast groups here: delete some first")
    wanted = resource.attributes
    for other in others:
        if (other.attributes["mad"], other.attributes["mgft"]) == (wanted["mad"], wanted["mgft"]):
            raise Conflict(f"{other.path} has the same mad and mgft already: update that one")


def _changed(attributes: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**attributes, **changes}.items() if value is not None}
