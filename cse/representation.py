"""What an originator gets to see of resources: the resultContent forms (TS-0004 clause 7.5.2)."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from cse.errors import BadRequest, NotFound, NotImplementedByThisCSE
from cse.primitive import Operation, Request, ResultContent
from cse.resource import ResourceType
from cse.rules import UNLIMITED, Grant
from cse.store import Resource
from cse.work import Work

ALLOWED = {
    Operation.CREATE: {0, 1, 2, 3, 9},
    Operation.RETRIEVE: {1, 4, 5, 6, 8},
    Operation.UPDATE: {0, 1, 9},
    Operation.DELETE: {0, 1, 4, 5, 6, 8},
}
ALLOWED_IN_DISCOVERY = {6, 11}
DEFAULT = {
    Operation.CREATE: ResultContent.ATTRIBUTES,
    Operation.RETRIEVE: ResultContent.ATTRIBUTES,
    Operation.UPDATE: ResultContent.ATTRIBUTES,
    Operation.DELETE: ResultContent.NOTHING,
}
WITH_FRACTIONS = "4"  # the first release whose clients are shown times to the microsecond
LARGEST_KEPT = 16_384  # bytes of JSON
WITH_CHILDREN = {
    ResultContent.ATTRIBUTES_AND_CHILD_RESOURCES,
    ResultContent.ATTRIBUTES_AND_CHILD_REFERENCES,
    ResultContent.CHILD_REFERENCES,
    ResultContent.CHILD_RESOURCES,
}
_LACKING = {
    ResultContent.SEMANTIC_CONTENT: "semantic queries",
    ResultContent.PERMISSIONS: "the retrieval of permissions",
}


def result_content(request: Request, *, discovery: bool = False) -> ResultContent:
    """The form the request asks for, or the default of its operation; CSEError if it does not fit the operation."""
    wanted = request.result_content
    if wanted is None:
        return ResultContent.DISCOVERY_RESULT_REFERENCES if discovery else DEFAULT[request.operation]
    if wanted in _LACKING and request.operation is Operation.RETRIEVE:
        raise NotImplementedByThisCSE(f"rcn {wanted.value} needs {_LACKING[wanted]}, which this CSE does not have")
    allowed = ALLOWED_IN_DISCOVERY if discovery else ALLOWED[request.operation]
    if wanted not in allowed:
        purpose = "a discovery" if discovery else request.operation.name
        raise BadRequest(f"rcn {wanted.value} can't be used with {purpose}: use one of {_enumeration(allowed)}")
    return wanted


def _enumeration(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


class Rendering(NamedTuple):
    """A resource below its root, and the same as JSON if that is known."""

    content: dict[str, Any]
    json: bytes | None = None


def represent(work: Work, resource: Resource, names: Sequence[str] = ()) -> dict[str, Any]:
    """The resource below its root, with the attributes named, or all that the release of the request has.

    Creation and modification have their fractions for clients of a release that brought more than seconds.
    """
    kind = work.type_of(resource)
    release = None if work.request is None else work.request.release_version
    attributes = kind.compose(work, resource)
    if release is not None and release >= WITH_FRACTIONS:
        attributes |= {name: resource.attributes[name] for name in ("ct", "lt") if name in attributes}
    if names:
        return {kind.root: _named(kind, resource, attributes, names)}
    for name in _unknown(kind, release):
        attributes.pop(name, None)
    return {kind.root: attributes}


def rendered(work: Work, resource: Resource) -> Rendering:
    """The same with all attributes, and as JSON, which is kept with a resource that is shared if it may be."""
    kind = work.type_of(resource)
    if not (work.reads_only and kind.shows_itself_only):
        return Rendering(represent(work, resource))
    release = None if work.request is None else work.request.release_version
    known: Rendering | None = resource.memo.get((Rendering, release))
    if known is None:
        content = represent(work, resource)
        json = orjson.dumps(content)
        known = Rendering(content, json)
        if len(json) <= LARGEST_KEPT:
            resource.memo[Rendering, release] = known
    return known


def _named(kind: ResourceType, resource: Resource, attributes: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Some of the attributes of a resource; BadRequest or NotFound for one that it can't have or has not."""
    for name in names:
        if name not in kind.attributes:
            raise BadRequest(f"atrl names {name[:40]!r}, which {kind.name} does not have: remove it")
        if name not in attributes:
            raise NotFound(f"attribute {name} is not present in {resource.path}")
    return {name: attributes[name] for name in names}


@lru_cache(maxsize=4096)
def _unknown(kind: ResourceType, release: str | None) -> frozenset[str]:
    """The attributes that a client does not know which states this release."""
    return frozenset(row.short_name for row in kind.attributes.values() if release is not None and row.since > release)


def represent_created(
    work: Work, request: Request, form: ResultContent, resource: Resource, grant: Grant = UNLIMITED
) -> Any:
    """The answer to a successful CREATE: what the privilege for it covers."""
    if form is ResultContent.NOTHING:
        return None
    uri = work.model.naming.as_seen_by(request.originator, resource.path)
    if form is ResultContent.HIERARCHICAL_ADDRESS:
        return {"m2m:uri": uri}
    if form is ResultContent.HIERARCHICAL_ADDRESS_AND_ATTRIBUTES:
        return {"m2m:rce": {"uri": uri, **grant.visible(represent(work, resource))}}
    whole = represent(work, resource)
    return grant.visible(_difference(whole, _sent(request)) if form is ResultContent.MODIFIED_ATTRIBUTES else whole)


def represent_updated(
    work: Work, request: Request, resource: Resource, before: dict[str, Any], grant: Grant = UNLIMITED
) -> Any:
    """The answer to a successful UPDATE: what the privilege covers. `before` are the composed attributes of before it.

    Its modified attributes have lt in any case: it was set, though perhaps to the same second.
    """
    form = result_content(request)
    if form is ResultContent.NOTHING:
        return None
    whole = represent(work, resource)
    if form is ResultContent.MODIFIED_ATTRIBUTES:
        return grant.visible(_difference(whole, before | {"lt": None} | _sent(request)))
    return grant.visible(whole)


def _sent(request: Request) -> dict[str, Any]:
    """The attributes in a CREATE or UPDATE."""
    ((_, attributes),) = request.content.items()
    return dict(attributes)


def _difference(whole: dict[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    """What is not as the originator can expect it to be; null for an attribute that is not there."""
    ((root, attributes),) = whole.items()
    names = [*attributes, *(name for name in expected if name not in attributes)]
    return {root: {name: attributes.get(name) for name in names if attributes.get(name) != expected.get(name)}}


def represent_with_children(
    work: Work, request: Request, form: ResultContent, resource: Resource, children: list[Resource]
) -> Any:
    """A resource in one of the forms WITH_CHILDREN; the children are descendants, parents before their children."""
    if form is ResultContent.CHILD_REFERENCES:
        return {"m2m:rrl": {"rrf": references(work, request, children)}}
    ((root, attributes),) = represent(work, resource).items()
    if form is ResultContent.ATTRIBUTES_AND_CHILD_REFERENCES:
        return {root: attributes | {"ch": references(work, request, children)}}
    nested = attributes if form is ResultContent.ATTRIBUTES_AND_CHILD_RESOURCES else {}
    _nest(work, resource.path, nested, children)
    return {root: nested}


def represent_matches(work: Work, request: Request, form: ResultContent, matches: list[Resource]) -> Any:
    """The answer to a discovery."""
    if form is ResultContent.CHILD_REFERENCES:
        return {"m2m:rrl": {"rrf": references(work, request, matches)}}
    return {"m2m:uril": identifiers(work, request, matches)}


def references(work: Work, request: Request, resources: list[Resource]) -> list[dict[str, Any]]:
    """m2m:childResourceRef items."""
    named = zip(resources, identifiers(work, request, resources), strict=True)
    return [_reference(resource.attributes, identifier) for resource, identifier in named]


def _reference(attributes: dict[str, Any], identifier: str) -> dict[str, Any]:
    item = {"nm": attributes["rn"], "typ": attributes["ty"], "val": identifier}
    return item | {"spid": attributes["cnd"]} if "cnd" in attributes else item


def identifiers(work: Work, request: Request, resources: list[Resource]) -> list[str]:
    """How the request wants resources to be named (TS-0004 clause 6.2.4), structured or not."""
    scope = work.model.naming.as_seen_by(request.originator, "")
    if request.unstructured_identifiers:
        return [scope + resource.ri for resource in resources]
    return [scope + resource.path for resource in resources]


def _nest(work: Work, path: str, nested: dict[str, Any], children: list[Resource]) -> None:
    """Put each child into the nearest resource above it that is shown, the one at this path if there is no other."""
    places = {path: nested}
    for child in children:
        above = child.path.rpartition("/")[0]
        while above and above not in places:
            above = above.rpartition("/")[0]
        ((root, attributes),) = represent(work, child).items()
        places.get(above, nested).setdefault(root, []).append(attributes)
        places[child.path] = attributes
