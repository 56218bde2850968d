"""container (TS-0001 clause 9.6.6) with its virtual children latest and oldest (clauses 9.6.27 and 9.6.28)."""

from typing import Any

from cse.attributes import (
    ANNOUNCEMENT,
    BOOLEAN,
    CREATOR,
    DYNAMIC_POLICIES,
    EXPIRATION,
    IDENTIFIER,
    LABELS,
    NON_NEGATIVE,
    NP,
    POLICIES,
    UNIVERSAL,
    Attribute,
    O,
    table,
)
from cse.errors import NotAcceptable, NotFound, OperationNotAllowed
from cse.primitive import Operation, Request
from cse.resource import ResourceType, VirtualChild, Work
from cse.store import Resource
from cse.timing import parse_timestamp, timestamp

INSTANCE = 4


class Latest(VirtualChild):
    """The newest instance."""

    name = "la"
    operations = frozenset({Operation.RETRIEVE, Operation.DELETE})
    newest_first = True

    def resolve(self, work: Work, parent: Resource) -> Resource:
        now = timestamp(work.now)
        for instance in work.transaction.resources.children(parent.ri, INSTANCE, newest_first=self.newest_first):
            if instance.attributes["et"] > now:
                return instance
        raise NotFound(f"{parent.path} has no instance")


class Oldest(Latest):
    """The oldest instance."""

    name = "ol"
    newest_first = False


class Container(ResourceType):
    number = 3
    name = "container"
    short_name = "cnt"
    parents = frozenset({2, 3, 5})
    virtual_children = {child.name: child for child in (Latest(), Oldest())}  # noqa: RUF012 - a constant
    attributes = table(
        UNIVERSAL,
        POLICIES,
        EXPIRATION,
        LABELS,
        ANNOUNCEMENT,
        DYNAMIC_POLICIES,
        CREATOR,
        Attribute("st", "stateTag", NON_NEGATIVE, NP, NP, required=True, default=0),
        Attribute("mni", "maxNrOfInstances", NON_NEGATIVE, O, O),
        Attribute("mbs", "maxByteSize", NON_NEGATIVE, O, O),
        Attribute("mia", "maxInstanceAge", NON_NEGATIVE, O, O),
        Attribute("cni", "currentNrOfInstances", NON_NEGATIVE, NP, NP, required=True, default=0),
        Attribute("cbs", "currentByteSize", NON_NEGATIVE, NP, NP, required=True, default=0),
        Attribute("li", "locationID", IDENTIFIER, NP, NP),
        Attribute("or", "ontologyRef", IDENTIFIER, O, O),
        Attribute("disr", "disableRetrieval", BOOLEAN, O, O),
    )

    def reading(self, work: Work, resource: Resource, child: Resource | None = None) -> None:
        if child is not None and child.ty == INSTANCE and resource.attributes.get("disr"):
            raise OperationNotAllowed(f"disr of {resource.path} forbids to retrieve or delete its instances")

    def child_creating(self, work: Work, resource: Resource, child: Resource) -> None:
        if child.ty != INSTANCE:
            return
        attributes = resource.attributes
        size = child.attributes["cs"]
        if size > attributes.get("mbs", size) or attributes.get("mni") == 0:
            raise NotAcceptable(f"the instance does not fit: {resource.path} has mbs or mni below what it needs")
        attributes["cni"] += 1
        attributes["cbs"] += size
        attributes["st"] += 1
        self._make_room(work, resource)
        child.attributes["st"] = attributes["st"]
        if "mia" in attributes:
            longest = timestamp(parse_timestamp(child.attributes["ct"]) + attributes["mia"])
            child.attributes["et"] = min(child.attributes["et"], longest)
        work.transaction.resources.update(resource)

    def child_deleted(self, work: Work, resource: Resource, child: Resource) -> None:
        if child.ty == INSTANCE:
            self._uncount(resource, child)
            work.transaction.resources.update(resource)

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        if resource.attributes.get("disr") and not changes.get("disr", True):
            for instance in list(work.transaction.resources.children(resource.ri, INSTANCE)):
                self._drop(work, resource, instance)

    def updated(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        if {"mni", "mbs"} & set(changes):
            self._make_room(work, resource)
            work.transaction.resources.update(resource)

    def _make_room(self, work: Work, resource: Resource) -> None:
        """The oldest instances go until the limits hold; nobody is notified of that (TS-0001 clause 10.2.4.2)."""
        attributes = resource.attributes
        most = attributes.get("mni", attributes["cni"])
        largest = attributes.get("mbs", attributes["cbs"])
        if attributes["cni"] <= most and attributes["cbs"] <= largest:
            return
        surplus = []
        count, size = attributes["cni"], attributes["cbs"]
        for instance in work.transaction.resources.children(resource.ri, INSTANCE):
            if count <= most and size <= largest:
                break
            surplus.append(instance)
            count, size = count - 1, size - instance.attributes["cs"]
        for instance in surplus:
            self._drop(work, resource, instance)

    def _drop(self, work: Work, resource: Resource, instance: Resource) -> None:
        work.transaction.resources.remove(instance)
        self._uncount(resource, instance)

    def _uncount(self, resource: Resource, instance: Resource) -> None:
        resource.attributes["cni"] -= 1
        resource.attributes["cbs"] -= instance.attributes["cs"]

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        resource.attributes["st"] = 0
