"""container (TS-0001 clause 9.6.6)."""

from typing import Any

from cse.attributes import (
    BOOLEAN,
    CREATOR,
    IDENTIFIER,
    NON_NEGATIVE,
    NP,
    REGULAR,
    Attribute,
    O,
    table,
)
from cse.errors import OperationNotAllowed
from cse.store import Resource
from cse.work import Work
from resources.common.history import COUNTERS, LIMITS, History, latest_and_oldest


class Container(History):
    number = 3
    name = "container"
    short_name = "cnt"
    touchable = True
    parents = frozenset({2, 3, 5, 16, 28})
    instance = 4
    virtual_children = latest_and_oldest(instance)
    attributes = table(
        REGULAR,
        CREATOR,
        LIMITS,
        COUNTERS,
        Attribute("st", "stateTag", NON_NEGATIVE, NP, NP, required=True, default=0),
        Attribute("li", "locationID", IDENTIFIER, NP, NP),
        Attribute("or", "ontologyRef", IDENTIFIER, O, O),
        Attribute("disr", "disableRetrieval", BOOLEAN, O, O),
    )

    def admit(self, work: Work, resource: Resource, instance: Resource) -> None:
        resource.attributes["st"] += 1
        instance.attributes["st"] = resource.attributes["st"]
        super().admit(work, resource, instance)

    def reading(self, work: Work, resource: Resource, child: Resource | None = None) -> None:
        if child is not None and self.withholds(resource, child):
            raise OperationNotAllowed(f"disr of {resource.path} forbids to retrieve or delete its instances")

    def withholds(self, resource: Resource, child: Resource) -> bool:
        return child.ty == self.instance and bool(resource.attributes.get("disr"))

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        if resource.attributes.get("disr") and not changes.get("disr", True):
            self.clear(work, resource)
