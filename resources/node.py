"""node (TS-0001 clause 9.6.18): a device with its management objects, and the links to what is hosted on it."""

from collections.abc import Sequence
from typing import Any

from cse.attributes import (
    BOOLEAN,
    IDENTIFIER,
    NON_NEGATIVE,
    NP,
    REGULAR,
    TEXT,
    Attribute,
    M,
    O,
    list_of,
    table,
)
from cse.events import announce, host_changed
from cse.network import Host
from cse.notification import Event, EventType
from cse.resource import ResourceType
from cse.store import Resource
from cse.tree.update import change
from cse.work import Work

HOURS = "_schedule"  # the entries of that node's schedule: an AE is awake in them only
HOSTED_ON = "_node"  # the identifier of the node that an AE is hosted on, however its nodeLink names it


class Node(ResourceType):
    number = 14
    name = "node"
    short_name = "nod"
    parents = frozenset({5})
    attributes = table(
        REGULAR,
        Attribute("ni", "nodeID", IDENTIFIER, M, O, required=True),
        Attribute("hcl", "hostedCSELink", IDENTIFIER, O, O),
        Attribute("hael", "hostedAELinks", list_of(IDENTIFIER), O, O),
        Attribute("hsl", "hostedServiceLinks", list_of(IDENTIFIER), O, O),
        Attribute("mgca", "mgmtClientAddress", TEXT, O, O),
        Attribute("rms", "roamingStatus", BOOLEAN, NP, NP),
        Attribute("nid", "networkID", TEXT, NP, NP),
        Attribute("nty", "nodeType", NON_NEGATIVE, O, O, since="4"),
    )

    def created(self, work: Work, resource: Resource, parent: Resource) -> None:
        _link_base(work, resource.attributes.get("hcl"), resource.ri)

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        if "hcl" in changes:
            _link_base(work, resource.attributes.get("hcl"), None)
            _link_base(work, changes["hcl"], resource.ri)

    def device(self, work: Work, resource: Resource) -> Host | None:
        """The first AE on it that has an address."""
        applications = (work.resource(link) for link in resource.attributes.get("hael", ()))
        hosts = (work.type_of(found).host(found) for found in applications if found is not None)
        return next((host for host in hosts if host is not None and host.points_of_access), None)

    def deleted(self, work: Work, resource: Resource) -> None:
        _link_base(work, resource.attributes.get("hcl"), None)
        for identifier in resource.attributes.get("hael", ()):
            application = work.transaction.resources.get(identifier)
            if application is not None and application.attributes.get(HOSTED_ON) == resource.ri:
                del application.attributes[HOSTED_ON]
                _set_hours(application, ())
                _change(work, application, "nl", None)


def host_on(work: Work, application: Resource, address: str | None) -> None:
    """The AE's nodeLink becomes this address, perhaps one on another CSE: the links of the nodes follow."""
    before = _node(work, application.attributes.pop(HOSTED_ON, None))
    after = _node(work, address)
    if before is not None and (after is None or after.ri != before.ri):
        hosted = [link for link in before.attributes.get("hael", ()) if link != application.ri]
        _change(work, before, "hael", hosted or None)
    _set_hours(application, () if after is None else _hours(work, after))
    if after is not None:
        application.attributes[HOSTED_ON] = after.ri
        hosted = after.attributes.get("hael", [])
        _change(work, after, "hael", hosted if application.ri in hosted else [*hosted, application.ri])


def keep_hours(work: Work, node: Resource, entries: Sequence[str]) -> None:
    """The AEs on a node are awake when its schedule says so; without entries always."""
    for identifier in node.attributes.get("hael", ()):
        application = work.transaction.resources.get(identifier)
        if application is not None and application.attributes.get(HOSTED_ON) == node.ri:
            _set_hours(application, entries)
            work.transaction.resources.update(application)
            host_changed(work, application)


def _set_hours(application: Resource, entries: Sequence[str]) -> None:
    application.attributes.pop(HOURS, None)
    if entries:
        application.attributes[HOURS] = list(entries)


def _hours(work: Work, node: Resource) -> Sequence[str]:
    """The entries of a node's schedule."""
    children = work.transaction.resources.children(node.ri)
    return next((child.attributes["se"]["sce"] for child in children if "se" in child.attributes), ())


def _node(work: Work, address: str | None) -> Resource | None:
    found = None if address is None else work.resource(address)
    return found if found is not None and found.ty == Node.number else None


def _link_base(work: Work, hosted: str | None, node: str | None) -> None:
    """If it is this CSE that is hosted, the CSEBase has the link to its node; another CSE is not ours to change."""
    base = None if hosted is None else work.resource(hosted)
    if base is not None and base.ri == work.model.naming.base_identifier:
        _change(work, base, "nl", node)


def _change(work: Work, resource: Resource, name: str, value: Any) -> None:
    if resource.attributes.get(name) != value:
        change(work, resource, {name: value})
        announce(work, Event(EventType.UPDATED, resource, resource, (name,)))
