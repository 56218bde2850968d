"""May this originator do this here: access control policies and default rules (TS-0001 clause 11.3, TS-0003 7.1)."""

from collections.abc import Iterable
from enum import IntFlag
from typing import Any

from cse.errors import OriginatorHasNoPrivilege
from cse.primitive import Operation
from cse.resource import Access, Work
from cse.store import Resource
from cse.wildcard import matches


class Right(IntFlag):
    """m2m:accessControlOperations."""

    CREATE = 1
    RETRIEVE = 2
    UPDATE = 4
    DELETE = 8
    NOTIFY = 16
    DISCOVERY = 32


RIGHT_FOR = {operation: Right[operation.name] for operation in Operation}


class Guard:
    """Decides for one originator in one unit of work; remembers what each set of policies said."""

    def __init__(self, work: Work, originator: str) -> None:
        self._work = work
        self._naming = work.model.naming
        self.originator = self._naming.originator(originator)
        admin = work.model.settings.admin_originator
        self._may_everything = originator == self._naming.cse_id or (bool(admin) and self.originator == admin)
        self._decisions: dict[tuple[Any, ...], bool] = {}

    def require(self, resource: Resource, right: Right, *, child_type: int | None = None) -> None:
        """OriginatorHasNoPrivilege (4103) unless permitted."""
        if not self.permits(resource, right, child_type=child_type):
            self._refuse(resource, right)

    def require_fan_out(self, group: Resource, right: Right) -> None:
        """The same for a fanOutPoint: the group's macp decides, without one its acpi (TS-0001 clause 9.6.14)."""
        policies = group.attributes.get("macp")
        permitted = self._by_policies(policies, "pv", right, group, None) if policies else self.permits(group, right)
        if not (permitted or self._may_everything):
            self._refuse(group, right)

    def permits(self, resource: Resource, right: Right, *, child_type: int | None = None) -> bool:
        """Whether the originator has this right on this resource; for CREATE, `child_type` is what is created."""
        if self._may_everything:
            return True
        access = self._work.type_of(resource).access
        if access is Access.PARENT:
            parent = self._work.transaction.resources.get(resource.pi)
            return parent is not None and self.permits(parent, right, child_type=child_type)
        if access is Access.SELF_PRIVILEGES:
            return self._grants(resource, "pvs", right, resource, child_type)
        if access is Access.ORIGINATOR:
            return resource.creator == self.originator and right in Right.RETRIEVE | Right.DELETE | Right.CREATE
        if access is Access.BASE and right is Right.RETRIEVE and self._is_registered():
            return True
        return self._default(resource, right, child_type)

    def permits_policy_change(self, resource: Resource) -> bool:
        """Whether the originator may UPDATE `acpi`: by the selfPrivileges of the policies it references now."""
        policies = resource.attributes.get("acpi")
        if self._may_everything or not policies:
            return self.permits(resource, Right.UPDATE)
        return self._by_policies(policies, "pvs", Right.UPDATE, resource, None)

    def _default(self, resource: Resource, right: Right, child_type: int | None) -> bool:
        policies = resource.attributes.get("acpi")
        if policies:
            return self._by_policies(policies, "pv", right, resource, child_type)
        return bool(self.originator) and resource.creator == self.originator

    def _by_policies(
        self, policies: Iterable[str], privileges: str, right: Right, resource: Resource, child_type: int | None
    ) -> bool:
        key = (tuple(policies), privileges, right, resource.ty, child_type)
        if key not in self._decisions:
            self._decisions[key] = any(
                policy is not None and self._grants(policy, privileges, right, resource, child_type)
                for policy in map(self._work.resource, key[0])
            )
        return self._decisions[key]

    def _grants(
        self, policy: Resource, privileges: str, right: Right, resource: Resource, child_type: int | None
    ) -> bool:
        rules = policy.attributes.get(privileges, {}).get("acr", [])
        return any(
            rule["acop"] & right
            and any(map(self._is_meant, rule["acor"]))
            and _fits_object_details(rule.get("acod"), resource.ty, child_type)
            for rule in rules
        )

    def _is_meant(self, entry: str) -> bool:
        if entry == "all":
            return True
        if not self.originator:
            return False
        if entry == f"//{self._naming.service_provider}":
            return not self.originator.startswith("//")
        entry = self._naming.originator(entry)
        if entry.count("/") == self.originator.count("/") and matches(self.originator, entry):
            return True
        return self._is_member(entry)

    def _is_member(self, entry: str) -> bool:
        """Whether the entry is a group that the originator's AE is a member of."""
        if "*" in entry or entry.startswith("//") or self._work.transaction.resources.get(self.originator) is None:
            return False
        group = self._work.resource(entry)
        return group is not None and group.ri in self._work.transaction.lists.holders(self.originator)

    def _is_registered(self) -> bool:
        registered = self._work.transaction.resources.get(self.originator)
        return registered is not None and self._work.type_of(registered).host(registered) is not None

    def _refuse(self, resource: Resource, right: Right) -> None:
        name = right.name or str(right)
        raise OriginatorHasNoPrivilege(
            f"{self.originator or 'the originator'} has no {name} privilege for {resource.path}:"
            " ask its creator to grant it in an accessControlPolicy"
        )


def _fits_object_details(details: list[dict[str, Any]] | None, ty: int, child_type: int | None) -> bool:
    """acod restricts CREATE: one of them must name the child's type and, if it says so, the parent's."""
    if not details or child_type is None:
        return True
    return any(child_type in detail["chty"] and detail.get("ty", ty) == ty for detail in details)
