"""What container, timeSeries and flexContainer have in common: instances, of which the newest are kept."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cse.attributes import NON_NEGATIVE, NP, Attribute, O
from cse.errors import NotAcceptable, NotFound
from cse.notification import EventType
from cse.primitive import Operation
from cse.resource import ResourceType, VirtualChild
from cse.store import Resource
from cse.timing import has_passed, parse_timestamp, timestamp
from cse.work import Work

LIMITS = (
    Attribute("mni", "maxNrOfInstances", NON_NEGATIVE, O, O),
    Attribute("mbs", "maxByteSize", NON_NEGATIVE, O, O),
    Attribute("mia", "maxInstanceAge", NON_NEGATIVE, O, O),
)
COUNTERS = (
    Attribute("cni", "currentNrOfInstances", NON_NEGATIVE, NP, NP, required=True, default=0),
    Attribute("cbs", "currentByteSize", NON_NEGATIVE, NP, NP, required=True, default=0),
)
REMEDY = "DELETE it and CREATE it again, or put a backup in place of the store"
READ_AND_DELETE = frozenset({Operation.RETRIEVE, Operation.DELETE})


class Latest(VirtualChild):
    """The newest instance (TS-0001 clause 9.6.27); `instance` is the number of the type of instances."""

    name = "la"
    newest_first = True

    def __init__(self, instance: int, operations: frozenset[Operation]) -> None:
        self._instance = instance
        self.operations = operations

    def resolve(self, work: Work, parent: Resource) -> Resource:
        instances = work.transaction.resources.children(parent.ri, self._instance, newest_first=self.newest_first)
        for instance in instances:
            if not has_passed(instance.attributes["et"], work.now):
                return instance
        raise NotFound(f"{parent.path} has no instance")


class Oldest(Latest):
    """The oldest instance (TS-0001 clause 9.6.28)."""

    name = "ol"
    newest_first = False


def latest_and_oldest(instance: int, operations: frozenset[Operation] = READ_AND_DELETE) -> Mapping[str, VirtualChild]:
    """The virtual children of a type whose instances are of the type with this number."""
    return {child.name: child for child in (Latest(instance, operations), Oldest(instance, operations))}


class History(ResourceType):
    """A type with LIMITS and COUNTERS whose children of the type `instance` go, oldest first, where there are too many.

    A subclass states `instance` and `virtual_children = latest_and_oldest(instance)`. If the CSE itself makes the
    instances, it calls `admit` before it inserts one; those that originators create are admitted by themselves.
    """

    instance: int
    reports = frozenset({EventType.RETRIEVED_WHILE_EMPTY})

    def admit(self, work: Work, resource: Resource, instance: Resource) -> None:
        """Count a new instance, make room for it and limit its age; NotAcceptable where it can never fit."""
        attributes = resource.attributes
        size = instance.attributes["cs"]
        if size > attributes.get("mbs", size) or attributes.get("mni") == 0:
            raise NotAcceptable(f"the instance does not fit: {resource.path} has mbs or mni below what it needs")
        attributes["cni"] += 1
        attributes["cbs"] += size
        self.make_room(work, resource)
        _limit_age(instance, attributes.get("mia"))
        work.transaction.resources.update(resource)

    def clear(self, work: Work, resource: Resource) -> None:
        """Take all instances out; nobody is notified. The caller stores the resource."""
        self._drop(work, resource, self._instances(work, resource))

    def child_creating(self, work: Work, resource: Resource, child: Resource) -> None:
        if child.ty == self.instance:
            self.admit(work, resource, child)

    def child_deleted(self, work: Work, resource: Resource, child: Resource) -> None:
        if child.ty == self.instance:
            _uncount(resource, child)
            work.transaction.resources.update(resource)

    def updated(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        if {"mni", "mbs"} & set(changes):
            self.make_room(work, resource)
            work.transaction.resources.update(resource)
        if changes.get("mia") is not None:
            self._limit_ages(work, resource)

    def audit(self, work: Work, resource: Resource) -> Iterator[str]:
        count = size = 0
        for instance in work.transaction.resources.children(resource.ri, self.instance):
            count, size = count + 1, size + instance.attributes["cs"]
        attributes = resource.attributes
        kept, kept_size = attributes.get("cni", 0), attributes.get("cbs", 0)
        if (kept, kept_size) != (count, size):
            yield f"cni {kept} and cbs {kept_size} are wrong, it has {count} instances with {size} bytes: {REMEDY}"
        most = self.most(resource) if count else None
        if count > (count if most is None else most) or size > attributes.get("mbs", size):
            yield f"its {count} instances with {size} bytes are more than mni or mbs allows: UPDATE mni and mbs"

    def _instances(self, work: Work, resource: Resource) -> list[Resource]:
        return list(work.transaction.resources.children(resource.ri, self.instance))

    def _limit_ages(self, work: Work, resource: Resource) -> None:
        for instance in self._instances(work, resource):
            if _limit_age(instance, resource.attributes["mia"]):
                work.transaction.resources.update(instance)
                work.ends(instance)

    def most(self, resource: Resource) -> int | None:
        """How many instances there may be, None for any number."""
        limit: int | None = resource.attributes.get("mni")
        return limit

    def make_room(self, work: Work, resource: Resource) -> None:
        """The oldest instances go until the limits hold; nobody is notified of that (TS-0001 clause 10.2.4.2)."""
        attributes = resource.attributes
        count, size = attributes["cni"], attributes["cbs"]
        limit, largest = self.most(resource), attributes.get("mbs", size)
        most = count if limit is None else limit
        if count <= most and size <= largest:
            return
        oldest_first = work.transaction.resources.children(resource.ri, self.instance)
        surplus = []
        while count > most or size > largest:
            surplus.append(next(oldest_first))
            count, size = count - 1, size - surplus[-1].attributes["cs"]
        self._drop(work, resource, surplus)

    def _drop(self, work: Work, resource: Resource, instances: Iterable[Resource]) -> None:
        for instance in instances:
            work.transaction.resources.remove(instance)
            _uncount(resource, instance)


def _uncount(resource: Resource, instance: Resource) -> None:
    resource.attributes["cni"] -= 1
    resource.attributes["cbs"] -= instance.attributes["cs"]


def _limit_age(instance: Resource, longest: int | None) -> bool:
    """End the instance so many seconds after its creation, unless it ends earlier anyway; whether that is new."""
    if longest is None:
        return False
    end = timestamp(parse_timestamp(instance.attributes["ct"]) + longest)
    if end >= instance.attributes["et"]:
        return False
    instance.attributes["et"] = end
    return True
