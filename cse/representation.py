"""What an originator gets to see of resources: the resultContent forms (TS-0004 clause 7.5.2)."""

from collections.abc import Iterable
from typing import Any

from cse.errors import BadRequest, NotFound
from cse.primitive import Operation, Request, ResultContent
from cse.resource import Work
from cse.store import Resource

ALLOWED = {
    Operation.CREATE: {0, 1, 2, 3, 9},
    Operation.RETRIEVE: {1, 4, 5, 6, 8},
    Operation.UPDATE: {0, 1, 9},
    Operation.DELETE: {0, 1},
}
DEFAULT = {
    Operation.CREATE: ResultContent.ATTRIBUTES,
    Operation.RETRIEVE: ResultContent.ATTRIBUTES,
    Operation.UPDATE: ResultContent.ATTRIBUTES,
    Operation.DELETE: ResultContent.NOTHING,
}


def result_content(request: Request) -> ResultContent:
    """The form the request asks for, or the default of its operation; BadRequest if it does not fit the operation."""
    wanted = request.result_content
    if wanted is None:
        return DEFAULT[request.operation]
    if wanted not in ALLOWED[request.operation]:
        allowed = ", ".join(map(str, sorted(ALLOWED[request.operation])))
        raise BadRequest(f"rcn {wanted.value} can't be used with {request.operation.name}: use one of {allowed}")
    return wanted


def represent(work: Work, resource: Resource, names: Iterable[str] = ()) -> dict[str, Any]:
    """The resource below its root, all attributes or only those named."""
    kind = work.type_of(resource)
    attributes = kind.compose(work, resource)
    wanted = tuple(names)
    for name in wanted:
        if name not in kind.attributes:
            raise BadRequest(f"atrl names {name[:40]!r}, which {kind.name} does not have: remove it")
        if name not in attributes:
            raise NotFound(f"attribute {name} is not present in {resource.path}")
    return {kind.root: {name: attributes[name] for name in wanted} if wanted else attributes}


def represent_created(work: Work, request: Request, resource: Resource) -> Any:
    """The answer to a successful CREATE."""
    form = result_content(request)
    if form is ResultContent.NOTHING:
        return None
    if form is ResultContent.HIERARCHICAL_ADDRESS:
        return {"m2m:uri": resource.path}
    if form is ResultContent.HIERARCHICAL_ADDRESS_AND_ATTRIBUTES:
        return {"m2m:rce": {"uri": resource.path, **represent(work, resource)}}
    whole = represent(work, resource)
    if form is ResultContent.MODIFIED_ATTRIBUTES:
        ((root, attributes),) = whole.items()
        sent = request.content[root]
        return {root: {name: value for name, value in attributes.items() if sent.get(name, _ABSENT) != value}}
    return whole


_ABSENT = object()


def represent_updated(work: Work, request: Request, resource: Resource, before: dict[str, Any]) -> Any:
    """The answer to a successful UPDATE; `before` are the composed attributes of before it."""
    form = result_content(request)
    if form is ResultContent.NOTHING:
        return None
    whole = represent(work, resource)
    if form is ResultContent.ATTRIBUTES:
        return whole
    ((root, attributes),) = whole.items()
    sent = request.content[root]
    changed = {
        name: value
        for name, value in attributes.items()
        if before.get(name, _ABSENT) != value and sent.get(name, _ABSENT) != value
    }
    return {root: changed}


def represent_with_children(work: Work, request: Request, resource: Resource, children: list[Resource]) -> Any:
    """The answer to a RETRIEVE that asks for children; they are descendants, parents before their children."""
    form = result_content(request)
    if form is ResultContent.CHILD_REFERENCES:
        return {"m2m:rrl": {"rrf": references(work, request, children)}}
    ((root, attributes),) = represent(work, resource).items()
    if form is ResultContent.ATTRIBUTES_AND_CHILD_REFERENCES:
        return {root: attributes | {"ch": references(work, request, children)}}
    nested = attributes if form is ResultContent.ATTRIBUTES_AND_CHILD_RESOURCES else {}
    _nest(work, {resource.ri: nested}, children)
    return {root: nested}


def references(work: Work, request: Request, resources: list[Resource]) -> list[dict[str, Any]]:
    """m2m:childResourceRef items."""
    return [
        {"nm": resource.attributes["rn"], "typ": resource.ty, "val": identifier(request, resource)}
        for resource in resources
    ]


def identifier(request: Request, resource: Resource) -> str:
    """How the request wants resources to be named (desiredIdentifierResultType)."""
    return resource.ri if request.unstructured_identifiers else resource.path


def _nest(work: Work, places: dict[str, dict[str, Any]], children: list[Resource]) -> None:
    for child in children:
        if child.pi in places:
            ((root, attributes),) = represent(work, child).items()
            places[child.pi].setdefault(root, []).append(attributes)
            places[child.ri] = attributes
