"""The operations on the resource tree, each inside one unit of work (TS-0004 clause 7.3)."""

from collections.abc import Callable
from typing import Any

from cse.access import Guard, Right
from cse.address import LONGEST_PATH, MAX_SEGMENTS, addressable, valid_name
from cse.attributes import check_create, check_update
from cse.discovery import Filter, find, parse_filter
from cse.errors import (
    BadRequest,
    Conflict,
    InvalidChildResourceType,
    NotFound,
    NotImplementedByThisCSE,
    OperationNotAllowed,
    OriginatorHasNoPrivilege,
    TargetNotSubscribable,
)
from cse.events import announce, announce_deletion
from cse.primitive import CREATED, DELETED, OK, UPDATED, Operation, Request, Response, ResultContent
from cse.representation import (
    represent,
    represent_created,
    represent_updated,
    represent_with_children,
    result_content,
)
from cse.resource import Event, EventType, ResourceType, Target, Work
from cse.store import Resource
from cse.timing import parse_timestamp, timestamp

WITH_CHILDREN = {
    ResultContent.ATTRIBUTES_AND_CHILD_RESOURCES,
    ResultContent.ATTRIBUTES_AND_CHILD_REFERENCES,
    ResultContent.CHILD_REFERENCES,
    ResultContent.CHILD_RESOURCES,
}


def perform(work: Work, request: Request, guard: Guard | None = None) -> Response:
    """Carry out a CREATE, RETRIEVE, UPDATE or DELETE on a resource of this CSE; raises CSEError, leaving nothing done.

    The caller undoes the transaction (or its savepoint) when this raises.
    """
    target = find_target(work, request)
    if target.virtual is not None and target.virtual.fans_out:
        raise OperationNotAllowed(
            "a fanOutPoint can't be the member of a fan-out by this way: name the group's members"
        )
    return _OPERATIONS[request.operation](work, request, target, guard or Guard(work, request.originator))


def prepare_create(
    work: Work, request: Request, target: Target, guard: Guard
) -> tuple[ResourceType, Resource, dict[str, Any]]:
    """Everything that can be checked before a CREATE: the new resource's type, its parent and its content."""
    parent = _live(work, target)
    kind = _creatable(work, request, parent)
    if not kind.registers:
        guard.require(parent, Right.CREATE, child_type=kind.number)
    content = _content(request, kind)
    check_create(kind.attributes, content)
    return kind, parent, content


def find_target(work: Work, request: Request) -> Target:
    """Where a request goes; NotFound, or OperationNotAllowed where a virtual child does not take the operation."""
    target = work.target(request.to)
    if target.virtual is not None and request.operation not in target.virtual.operations:
        raise OperationNotAllowed(f"{request.operation.name} is not possible on {target.virtual.name}")
    return target


def _create(work: Work, request: Request, target: Target, guard: Guard) -> Response:
    kind, parent, content = prepare_create(work, request, target, guard)
    result_content(request)
    resource = _new_resource(work, request, kind, parent, content)
    kind.creating(work, request, resource, parent)
    work.type_of(parent).child_creating(work, parent, resource)
    work.transaction.resources.insert(resource)
    kind.created(work, resource, parent)
    announce(work, Event(EventType.CHILD_CREATED, parent, resource))
    return Response(CREATED, represent_created(work, request, resource), location=resource.path)


def _creatable(work: Work, request: Request, parent: Resource) -> ResourceType:
    number = request.resource_type
    if number is None:
        raise BadRequest("resourceType is missing: add ;ty=<number> to the Content-Type")
    kind = work.model.types.get(number)
    if kind is None:
        raise NotImplementedByThisCSE(f"resource type {number} is not available on this CSE")
    if not kind.creatable:
        raise OperationNotAllowed(f"a {kind.name} is made by the CSE only")
    if parent.ty not in kind.parents:
        sentence = f"a {kind.name} can't be the child of a {work.type_of(parent).name}"
        raise TargetNotSubscribable(sentence) if kind.watches else InvalidChildResourceType(sentence)
    return kind


def _content(request: Request, kind: ResourceType) -> dict[str, Any]:
    content = request.content
    if not isinstance(content, dict) or list(content) != [kind.root] or not isinstance(content[kind.root], dict):
        raise BadRequest(f'the content must be one object below "{kind.root}"')
    return dict(content[kind.root])


def _new_resource(
    work: Work, request: Request, kind: ResourceType, parent: Resource, content: dict[str, Any]
) -> Resource:
    identifier = kind.identify(work, request, content)
    name = str(content.get("rn") or identifier)
    path = _new_path(work, parent, name)
    now = timestamp(work.now)
    own = {"ty": kind.number, "ri": identifier, "pi": parent.ri, "rn": name, "ct": now, "lt": now}
    attributes = kind.defaults | content | own
    creator = work.model.naming.originator(request.originator)
    if "cr" in content:
        if content["cr"] is not None:
            raise BadRequest("cr is filled in by the CSE: send null to ask for it")
        attributes["cr"] = creator
    if "et" in kind.attributes:
        attributes["et"] = _expiration(work, content.get("et"), parent)
    return Resource(path, creator, attributes)


def _new_path(work: Work, parent: Resource, name: str) -> str:
    """The structured address of a child that does not exist yet."""
    if not valid_name(name):
        raise BadRequest("rn must consist of letters, digits, '-', '_', '.', '~' and have at most 256 of them")
    if name in work.model.virtual_names or name in ("-", "_", "~", ".", ".."):
        raise OperationNotAllowed(f"rn {name} is reserved: choose another name")
    path = f"{parent.path}/{name}"
    if not addressable(path):
        limits = f"{MAX_SEGMENTS} names or {LONGEST_PATH} characters"
        raise BadRequest(f"rn makes an address of more than {limits}: shorten it")
    if work.transaction.resources.find(path) is not None:
        raise Conflict(f"there is a resource {path} already: choose another rn")
    return path


def _expiration(work: Work, wanted: str | None, parent: Resource) -> str:
    """The lifetime that a resource gets: as asked for, not longer than allowed and than its parent's."""
    settings = work.model.settings
    if wanted is None:
        chosen = timestamp(work.now + settings.default_lifetime)
    else:
        moment = parse_timestamp(wanted, "et")
        if moment <= work.now:
            raise BadRequest("et lies in the past: give a later expirationTime")
        chosen = timestamp(min(moment, work.now + settings.max_lifetime))
    return min(chosen, str(parent.attributes.get("et", chosen)))


def _retrieve(work: Work, request: Request, target: Target, guard: Guard) -> Response:
    criteria = parse_filter(request.filters, work.model.attribute_names)
    resource = _live(work, target)
    if criteria.discovers:
        return _discover(work, request, resource, criteria, guard)
    guard.require(resource, Right.RETRIEVE)
    _reading(work, resource)
    form = result_content(request)
    if form not in WITH_CHILDREN:
        if not criteria.fits(resource):
            raise NotFound(f"{resource.path} does not meet the filter criteria")
        return Response(OK, represent(work, resource, request.attribute_list))
    children, more = _limited(work, resource, criteria, lambda child: guard.permits(child, Right.RETRIEVE))
    return _with_status(represent_with_children(work, request, resource, children), criteria, children, more)


def _discover(work: Work, request: Request, resource: Resource, criteria: Filter, guard: Guard) -> Response:
    guard.require(resource, Right.DISCOVERY)
    if request.result_content not in (None, ResultContent.CHILD_REFERENCES, ResultContent.ATTRIBUTES):
        raise BadRequest("a discovery can have rcn 1 (a list of addresses) or 6 (child references)")
    hits, more = _limited(work, resource, criteria, lambda child: guard.permits(child, Right.DISCOVERY))
    content: Any
    if request.result_content is ResultContent.CHILD_REFERENCES:
        content = represent_with_children(work, request, resource, hits)
    else:
        content = {"m2m:uril": [hit.ri if request.unstructured_identifiers else hit.path for hit in hits]}
    return _with_status(content, criteria, hits, more)


def _limited(
    work: Work, resource: Resource, criteria: Filter, permitted: Callable[[Resource], bool]
) -> tuple[list[Resource], bool]:
    """The results and whether there would be more; the server's own limit holds whatever the request says."""
    most = work.model.settings.max_discovery_results
    criteria.limit = min(criteria.limit or most, most)
    wanted = criteria.limit
    criteria.limit += 1
    found = list(find(work, resource, criteria, permitted))
    return found[:wanted], len(found) > wanted


def _with_status(content: Any, criteria: Filter, results: list[Resource], more: bool) -> Response:
    if not more:
        return Response(OK, content)
    return Response(OK, content, content_status=1, content_offset=criteria.offset + len(results))


def _update(work: Work, request: Request, target: Target, guard: Guard) -> Response:
    kind, resource, changes = prepare_update(work, request, target, guard)
    result_content(request)
    before = kind.compose(work, resource)
    if "et" in changes:
        changes["et"] = _new_expiration(work, changes["et"], resource)
    kind.updating(work, resource, changes)
    change(work, resource, changes)
    kind.updated(work, resource, changes)
    announce(work, Event(EventType.UPDATED, resource, resource, tuple(changes)))
    return Response(UPDATED, represent_updated(work, request, resource, before))


def prepare_update(
    work: Work, request: Request, target: Target, guard: Guard
) -> tuple[ResourceType, Resource, dict[str, Any]]:
    """Everything that can be checked before an UPDATE: the type of the resource, itself and the changes."""
    resource = _live(work, target)
    kind = work.type_of(resource)
    if not kind.updatable:
        raise OperationNotAllowed(f"a {kind.name} can't be updated")
    _authorise_update(request, kind, resource, guard)
    _require_conditions(work, request, resource)
    changes = _content(request, kind)
    check_update(kind.attributes, changes)
    if "acpi" in changes and len(changes) > 1:
        raise BadRequest("acpi must be the only attribute of an UPDATE: send the others in a second one")
    return kind, resource, changes


def _require_conditions(work: Work, request: Request, resource: Resource) -> None:
    """filterCriteria of an UPDATE or DELETE: carried out only on a resource that meets them."""
    criteria = parse_filter(request.filters, work.model.attribute_names)
    if criteria.discovers:
        raise BadRequest("fu=1 (discovery) goes with RETRIEVE only")
    if not criteria.fits(resource):
        raise NotFound(f"{resource.path} does not meet the filter criteria")


def _authorise_update(request: Request, kind: ResourceType, resource: Resource, guard: Guard) -> None:
    content = request.content.get(kind.root) if isinstance(request.content, dict) else None
    if isinstance(content, dict) and "acpi" in content:
        if not guard.permits_policy_change(resource):
            raise OriginatorHasNoPrivilege(
                "acpi may be changed only with UPDATE in the selfPrivileges (pvs) of the policies it names now"
            )
        return
    guard.require(resource, Right.UPDATE)


def _new_expiration(work: Work, wanted: str | None, resource: Resource) -> str:
    parent = work.transaction.resources.get(resource.pi)
    chosen = _expiration(work, wanted, parent or resource)
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
    attributes["lt"] = timestamp(work.now)
    if "st" in attributes:
        attributes["st"] += 1
    work.transaction.resources.update(resource)


def _delete(work: Work, request: Request, target: Target, guard: Guard) -> Response:
    resource = _live(work, target)
    guard.require(resource, Right.DELETE)
    _require_conditions(work, request, resource)
    _reading(work, resource)
    form = result_content(request)
    work.type_of(resource).deleting(work, resource)
    content = represent(work, resource) if form is ResultContent.ATTRIBUTES else None
    remove(work, resource)
    return Response(DELETED, content)


def remove(work: Work, resource: Resource) -> None:
    """Take a resource with its descendants out of the tree: notifications, group membership and counters follow."""
    announce_deletion(work, resource)
    for holder in work.transaction.lists.drop_targets(resource.path):
        work.list_changed(holder)
    parent = work.transaction.resources.get(resource.pi)
    work.transaction.resources.remove(resource)
    work.type_of(resource).deleted(work, resource)
    if parent is not None:
        work.type_of(parent).child_deleted(work, parent, resource)
        announce(work, Event(EventType.CHILD_DELETED, parent, resource))


def _live(work: Work, target: Target) -> Resource:
    """The resource meant, virtual children resolved; one whose time is over counts as gone."""
    resource = target.resource if target.virtual is None else target.virtual.resolve(work, target.resource)
    if resource.attributes.get("et", "~") < timestamp(work.now):
        raise NotFound(f"{resource.path} has expired")
    return resource


def _reading(work: Work, resource: Resource) -> None:
    work.type_of(resource).reading(work, resource)
    parent = work.transaction.resources.get(resource.pi)
    if parent is not None:
        work.type_of(parent).reading(work, parent, resource)


def _refuse_notify(work: Work, request: Request, target: Target, guard: Guard) -> Response:
    raise OperationNotAllowed(f"{target.resource.path} takes no notifications: only an AE, or a group's fopt, does")


_OPERATIONS: dict[Operation, Callable[[Work, Request, Target, Guard], Response]] = {
    Operation.CREATE: _create,
    Operation.RETRIEVE: _retrieve,
    Operation.UPDATE: _update,
    Operation.DELETE: _delete,
    Operation.NOTIFY: _refuse_notify,
}
