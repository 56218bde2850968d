"""UPDATE: changes to the attributes of a resource (TS-0004 clause 7.3.3)."""

from typing import Any

from cse.access import Guard, Right
from cse.attributes import check_update
from cse.errors import BadRequest, OperationNotAllowed
from cse.events import announce
from cse.notification import Event, EventType
from cse.primitive import UPDATED, Request, Response
from cse.representation import represent_updated, result_content
from cse.resource import ResourceType
from cse.rules import Grant
from cse.store import Resource
from cse.timing import exact_timestamp
from cse.tree.content import content_of, expiration, named_attributes, require_policies
from cse.tree.target import live, require_conditions
from cse.work import Target, Work


def update(work: Work, request: Request, target: Target, guard: Guard) -> Response:
    """Change attributes of the target."""
    kind, resource, changes, grant = prepare_update(work, request, target, guard)
    result_content(request)
    before = kind.compose(work, resource)
    require_policies(work, changes)
    if "et" in changes:
        changes["et"] = _new_expiration(work, changes["et"], resource)
    kind.updating(work, resource, changes)
    work.require_unlocked(resource)
    wanted = {kind.root: changes}
    announce(work, Event(EventType.BLOCKING_UPDATE, resource, resource, tuple(changes), content=wanted))
    change(work, resource, changes)
    kind.updated(work, resource, changes)
    announce(work, Event(EventType.UPDATED, resource, resource, tuple(changes), request.operation))
    return Response(UPDATED, represent_updated(work, request, resource, before, grant))


def prepare_update(
    work: Work, request: Request, target: Target, guard: Guard
) -> tuple[ResourceType, Resource, dict[str, Any], Grant]:
    """Everything that can be checked before an UPDATE: the type of the resource, itself, the changes and the right."""
    resource = live(work, target)
    kind = work.type_of(resource)
    if not kind.updatable:
        raise OperationNotAllowed(f"a {kind.name} can't be updated")
    grant = _authorise_update(request, resource, guard)
    require_conditions(work, request, resource, guard)
    changes = content_of(request, kind)
    check_update(kind.attributes, changes, may_be_empty=kind.touchable)
    if "acpi" in changes and len(changes) > 1:
        raise BadRequest("acpi must be the only attribute of an UPDATE: send the others in a second one")
    return kind, resource, changes, grant


def _authorise_update(request: Request, resource: Resource, guard: Guard) -> Grant:
    names = named_attributes(request)
    if "acpi" in names:
        return guard.require_policy_change(resource)
    return guard.require(resource, Right.UPDATE, names=names)


def _new_expiration(work: Work, wanted: str | None, resource: Resource) -> str:
    parent = work.transaction.resources.get(resource.pi)
    chosen = expiration(work, wanted, parent or resource)
    for child in work.transaction.resources.children(resource.ri):
        if child.attributes.get("et", chosen) > chosen:
            raise BadRequest(f"et must not lie before that of the child {child.attributes['rn']}: choose a later one")
    return chosen


def change(work: Work, resource: Resource, changes: dict[str, Any]) -> None:
    """Store changed attributes (None deletes), the modification time and the state tag."""
    table = work.type_of(resource).attributes
    attributes = resource.attributes
    for name, value in changes.items():
        if value is None:
            attributes.pop(name, None)
        elif not (name in table and table[name].long_list):
            attributes[name] = value
    attributes["lt"] = exact_timestamp(work.now)
    if "st" in attributes:
        attributes["st"] += 1
    work.transaction.resources.update(resource)
    if "et" in changes:
        work.ends(resource)
