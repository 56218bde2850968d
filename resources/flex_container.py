"""flexContainer (TS-0001 clause 9.6.35): data with attributes of its own. Its specialisations are tables.

With fcinEnabled the CSE keeps what the attributes were: each change of them, of the labels or of the location is an
instance. `true` keeps as many as the limits allow, `false` the last one only.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cse.attributes import (
    BOOLEAN,
    CREATOR,
    IDENTIFIER,
    NON_NEGATIVE,
    NP,
    POSITIVE,
    REGULAR,
    Attribute,
    M,
    O,
    table,
)
from cse.errors import BadRequest
from cse.events import announce
from cse.notification import Event, EventType
from cse.primitive import Request
from cse.store import Resource
from cse.work import Work
from resources.common.history import History, latest_and_oldest
from resources.common.location import LOCATION
from resources.content_instance import content_size
from resources.specializations.family import ROOT, Family

LIMITS = ("mni", "mbs", "mia")
COUNTERS = ("cni", "cbs")
DESCRIBED = {"lbl", "loc"}  # kept in instances besides the attributes of the table


class FlexContainer(Family, History):
    number = 28
    name = "flexContainer"
    short_name = "fcnt"
    parents = frozenset({2, 3, 5, 14, 16, 28})
    definition = "cnd"
    instance = 58
    virtual_children = latest_and_oldest(instance)
    touchable = True
    attributes = table(
        REGULAR,
        CREATOR,
        LOCATION,
        Attribute("st", "stateTag", NON_NEGATIVE, NP, NP, required=True, default=0),
        Attribute("cnd", "containerDefinition", IDENTIFIER, M, NP, required=True),
        Attribute("or", "ontologyRef", IDENTIFIER, O, O),
        Attribute("cs", "contentSize", NON_NEGATIVE, NP, NP, required=True, default=0),
        Attribute("nl", "nodeLink", IDENTIFIER, O, O),
        Attribute("fcied", "fcinEnabled", BOOLEAN, O, O, since="4"),
        Attribute("mni", "maxNrOfInstances", POSITIVE, O, O, since="4"),
        Attribute("mbs", "maxByteSize", POSITIVE, O, O, since="4"),
        Attribute("mia", "maxInstanceAge", POSITIVE, O, O, since="4"),
        Attribute("cni", "currentNrOfInstances", NON_NEGATIVE, NP, NP, since="4"),
        Attribute("cbs", "currentByteSize", NON_NEGATIVE, NP, NP, since="4"),
    )

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        super().creating(work, request, resource, parent)
        resource.attributes["cs"] = self._size(resource.attributes)
        _check_limits(resource.attributes, resource.attributes)

    def created(self, work: Work, resource: Resource, parent: Resource) -> None:
        self._follow(work, resource, set())

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        super().updating(work, resource, changes)
        after = {name: value for name, value in {**resource.attributes, **changes}.items() if value is not None}
        _check_limits(after | {"cs": self._size(after)}, changes)

    def updated(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        resource.attributes["cs"] = self._size(resource.attributes)
        self._follow(work, resource, set(changes))
        if "fcied" in resource.attributes:
            super().updated(work, resource, changes)

    def audit(self, work: Work, resource: Resource) -> Iterator[str]:
        yield from super().audit(work, resource)
        counted, size = resource.attributes["cs"], self._size(resource.attributes)
        if counted != size:
            yield f"cs is {counted}, and its attributes have {size} bytes: UPDATE one of them"

    def most(self, resource: Resource) -> int | None:
        return super().most(resource) if resource.attributes.get("fcied") else 1

    def _follow(self, work: Work, resource: Resource, changed: set[str]) -> None:
        """The instances become what the attributes of the flexContainer say."""
        attributes = resource.attributes
        if "fcied" not in attributes:
            self._forget(work, resource)
        elif "cni" not in attributes:
            attributes |= dict.fromkeys(COUNTERS, 0)
            self._keep(work, resource)
        elif changed & (DESCRIBED | self._own_names):
            self._keep(work, resource)
        elif "fcied" in changed:
            self.make_room(work, resource)
        work.transaction.resources.update(resource)

    def _keep(self, work: Work, resource: Resource) -> None:
        """What the flexContainer is now becomes an instance."""
        kept = {"lt", "et", "st", "cs", ROOT} | DESCRIBED | self._own_names
        identifier = work.new_identifier("fcin")
        attributes = {name: value for name, value in resource.attributes.items() if name in kept} | {
            "ty": self.instance,
            "ri": identifier,
            "pi": resource.ri,
            "rn": identifier,
            "ct": resource.attributes["lt"],
            "org": work.originator,
        }
        instance = Resource(f"{resource.path}/{identifier}", work.originator, attributes)
        self.admit(work, resource, instance)
        work.transaction.resources.insert(instance)
        work.ends(instance)
        announce(work, Event(EventType.CHILD_CREATED, resource, instance))

    def _forget(self, work: Work, resource: Resource) -> None:
        if "cni" in resource.attributes:
            self.clear(work, resource)
        for name in (*LIMITS, *COUNTERS):
            resource.attributes.pop(name, None)

    @property
    def _own_names(self) -> set[str]:
        return set() if self.table is None else set(self.table.attributes)

    def _size(self, attributes: Mapping[str, Any]) -> int:
        return sum(content_size(attributes[name]) for name in self._own_names if attributes.get(name) is not None)


def _check_limits(attributes: Mapping[str, Any], sent: Mapping[str, Any]) -> None:
    """What the attributes would be, and those of a request."""
    limits = [name for name in LIMITS if sent.get(name) is not None]
    if limits and "fcied" not in attributes:
        raise BadRequest(f"{limits[0]} limits instances, and there are none without fcied (fcinEnabled): add it")
    if "mbs" in limits and attributes["mbs"] < attributes["cs"]:
        raise BadRequest(f"mbs must not be below the present contentSize (cs), {attributes['cs']}: raise it")
