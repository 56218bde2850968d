"""Where a request goes in the tree, and whether what is there can be used now."""

from cse.access import Guard
from cse.discovery.criteria import Filter, parse_filter
from cse.errors import BadRequest, NotFound, OperationNotAllowed
from cse.primitive import Request
from cse.store import Resource
from cse.timing import has_passed
from cse.tree.pages import require_fit
from cse.work import Target, Work


def find_target(work: Work, request: Request, address: str = "") -> Target:
    """Where a request goes: to this address, or to that in it.

    NotFound, or OperationNotAllowed where a virtual child does not take the operation.
    """
    target = locate(work, address or request.to)
    if target.virtual is not None and request.operation not in target.virtual.operations:
        raise OperationNotAllowed(f"{request.operation.name} is not possible on {target.virtual.name}")
    return target


def locate(work: Work, address: str) -> Target:
    """What an address stands for; NotFound if there is nothing here."""
    if work.model.destination(address) is None:
        other = work.model.naming.other_cse(address) or ""
        raise NotFound(f"{address[:200]!r} is on another CSE, {other[:200]}: send the request to it alone")
    return work.target(address)


def live(work: Work, target: Target) -> Resource:
    """The resource meant, virtual children resolved; one whose time is over counts as gone."""
    resource = target.resource if target.virtual is None else target.virtual.resolve(work, target.resource)
    if has_passed(resource.attributes.get("et", "~"), work.now):
        raise NotFound(f"{resource.path} has expired")
    return resource


def tell_of_reading(work: Work, resource: Resource) -> None:
    """Let the type of the resource and that of its parent refuse."""
    work.type_of(resource).reading(work, resource)
    parent = work.transaction.resources.look(resource.pi)
    if parent is not None:
        work.type_of(parent).reading(work, parent, resource)


def require_conditions(work: Work, request: Request, resource: Resource, guard: Guard) -> Filter:
    """filterCriteria of an UPDATE or DELETE: carried out only on a resource that meets them."""
    criteria = parse_filter(request.filters, work.model.attribute_names)
    if criteria.discovers:
        raise BadRequest("fu=1 (discovery) goes with RETRIEVE only")
    require_fit(work, resource, criteria, guard)
    return criteria
