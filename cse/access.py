"""May this originator do this here: access control policies and default rules (TS-0001 clause 11.3, TS-0003 7.1)."""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntFlag
from functools import cached_property
from typing import Any

from cse.asker import Asker
from cse.errors import OriginatorHasNoPrivilege
from cse.forwarding import known
from cse.primitive import Operation, Request
from cse.resource import Access
from cse.rules import UNLIMITED, Grant, Privileges, kept_privileges
from cse.store import Resource
from cse.work import Work


class Right(IntFlag):
    """m2m:accessControlOperations."""

    CREATE = 1
    RETRIEVE = 2
    UPDATE = 4
    DELETE = 8
    NOTIFY = 16
    DISCOVERY = 32


RIGHT_FOR = {operation: Right[operation.name] for operation in Operation}
SPECIALISED_BY = ("cnd", "mgd")  # the attributes that m2m:specializationType can name


Grants = tuple[Grant, ...]
EVERYTHING: Grants = (UNLIMITED,)


class Guard:
    """Decides about one request in one unit of work; remembers what each set of policies said."""

    def __init__(self, work: Work, request: Request) -> None:
        self._work = work
        self._request = request
        self.originator = work.model.naming.originator(request.originator)
        self._may_everything = self.originator in work.model.powerful
        self._found: dict[tuple[tuple[str, ...], str], list[Privileges]] = {}
        self._decisions: dict[tuple[Any, ...], Grants] = {}

    @cached_property
    def _asker(self) -> Asker:
        return Asker(self._work, self._request)

    def require(
        self, resource: Resource, right: Right, *, child_type: int | None = None, names: Iterable[str] | None = None
    ) -> Grant:
        """The privilege for what `permits` says; OriginatorHasNoPrivilege (4103) if there is none."""
        grant = self._grant(resource, right, child_type, names)
        if grant is None:
            raise self._refusal(resource, right)
        return grant

    def require_fan_out(self, group: Resource, right: Right) -> None:
        """The same for a fanOutPoint: the group's macp decides, without one its acpi (TS-0001 clause 9.6.14)."""
        policies = group.attributes.get("macp")
        permitted = self._by_policies(policies, "pv", right, group, None) if policies else self.permits(group, right)
        if not (permitted or self._may_everything):
            raise self._refusal(group, right)

    def permits(self, resource: Resource, right: Right) -> bool:
        """Whether the originator has this right on this resource, with all of its attributes."""
        return self._grant(resource, right, None, None) is not None

    def signature(self, resource: Resource) -> tuple[Any, ...] | None:
        """What decides who may create something below a resource: where it is the same, so is the decision.

        None where that follows from other resources than policies.
        """
        kind, attributes = self._work.type_of(resource), resource.attributes
        if kind.access is not Access.POLICIES:
            return None
        policies = attributes.get("acpi")
        deciding = (tuple(policies),) if policies else (attributes.get("cstn"), resource.creator)
        return (kind, *map(attributes.get, SPECIALISED_BY), *deciding)

    def require_policy_change(self, resource: Resource) -> Grant:
        """The same for UPDATE of `acpi`: the selfPrivileges of the policies it references now decide."""
        policies = resource.attributes.get("acpi")
        if self._may_everything or not policies:
            return self.require(resource, Right.UPDATE, names=["acpi"])
        if not self._by_policies(policies, "pvs", Right.UPDATE, resource, None):
            raise OriginatorHasNoPrivilege(
                "acpi may be changed only with UPDATE in the selfPrivileges (pvs) of the policies it names now"
            )
        return UNLIMITED

    def _grant(
        self, resource: Resource, right: Right, child_type: int | None, names: Iterable[str] | None
    ) -> Grant | None:
        """The first privilege that is good for these attributes of the resource (None for all it has)."""
        if self._may_everything:
            return UNLIMITED
        grants = self._grants(resource, right, child_type)
        if not grants or UNLIMITED in grants:
            return UNLIMITED if grants else None
        wanted = tuple(self._work.type_of(resource).compose(self._work, resource) if names is None else names)
        return next((grant for grant in grants if grant.covers(wanted)), None)

    def _grants(self, resource: Resource, right: Right, child_type: int | None) -> Grants:
        access = self._work.type_of(resource).access
        if access is Access.POLICIES:
            return self._default(resource, right, child_type)
        match access:
            case Access.PARENT:
                parent = self._work.transaction.resources.look(resource.pi)
                return () if parent is None else self._grants(parent, right, child_type)
            case Access.SELF_PRIVILEGES:
                own = Privileges.of(resource, "pvs", self._work.model.naming)
                return self._by_rules([own], right, resource, child_type)
            case Access.OWNER:
                return self._own(resource)
            case Access.ORIGINATOR:
                return self._own(resource, right in Right.RETRIEVE | Right.DELETE | Right.CREATE)
            case Access.BASE if right is Right.RETRIEVE and self._work.registrant(self.originator):
                return EVERYTHING
            case Access.BASE if right is Right.DISCOVERY and self._is_guest():
                return EVERYTHING
        return self._default(resource, right, child_type)

    def _is_guest(self) -> bool:
        """Whether he is registered with a CSE that is known here."""
        other = self._work.model.naming.other_cse(self.originator)
        return other is not None and known(self._work, other) is not None

    def _default(self, resource: Resource, right: Right, child_type: int | None) -> Grants:
        policies = resource.attributes.get("acpi")
        if policies:
            return self._by_policies(policies, "pv", right, resource, child_type)
        return self._own(resource)

    def _own(self, resource: Resource, has_right: bool = True) -> Grants:
        """Without policies, the custodian may do everything; where there is none, the creator (TS-0001 9.6.1.3)."""
        custodian = resource.attributes.get("cstn")
        owner = self._work.model.naming.originator(custodian) if custodian else resource.creator
        return EVERYTHING if has_right and owner and owner == self.originator else ()

    def _by_policies(
        self, policies: Iterable[str], which: str, right: Right, resource: Resource, child_type: int | None
    ) -> Grants:
        names = tuple(policies)
        found = self._privileges(names, which)
        for privileges in found:
            if privileges.grant_plainly(right, self.originator):
                return EVERYTHING
        definitions = tuple(resource.attributes.get(name) for name in SPECIALISED_BY)
        key = (names, which, right, resource.ty, definitions, child_type)
        if key not in self._decisions:
            self._decisions[key] = self._by_rules(found, right, resource, child_type)
        return self._decisions[key]

    def _privileges(self, policies: tuple[str, ...], which: str) -> list[Privileges]:
        """Those of the policies that there are."""
        key = (policies, which)
        if key not in self._found:
            looked_up = map(self._work.look, policies)
            naming = self._work.model.naming
            self._found[key] = [kept_privileges(policy, which, naming) for policy in looked_up if policy is not None]
        return self._found[key]

    def _by_rules(
        self, found: Iterable[Privileges], right: Right, resource: Resource, child_type: int | None
    ) -> Grants:
        return tuple(
            rule.grant
            for privileges in found
            for rule in privileges.rules
            if rule.rights & right
            and _fits_object_details(rule.details, resource, child_type)
            and self._asker.is_meant(rule)
        )

    def _refusal(self, resource: Resource, right: Right) -> OriginatorHasNoPrivilege:
        name = right.name or str(right)
        return OriginatorHasNoPrivilege(
            f"{self.originator or 'the originator'} has no {name} privilege for {resource.path}:"
            " ask its creator to grant it in an accessControlPolicy"
        )


def _fits_object_details(details: Sequence[Mapping[str, Any]], parent: Resource, child_type: int | None) -> bool:
    """acod restricts CREATE: one of them must name the child's type and, if it says so, the parent's."""
    if not details or child_type is None:
        return True
    return any(child_type in detail["chty"] and _is_of_type(parent, detail) for detail in details)


def _is_of_type(resource: Resource, detail: Mapping[str, Any]) -> bool:
    """Whether a resource has the type and the specialisation (spty) that object details name."""
    definitions = detail.get("spty", {}).items()
    return detail.get("ty", resource.ty) == resource.ty and all(
        resource.attributes.get(name) == value for name, value in definitions
    )
