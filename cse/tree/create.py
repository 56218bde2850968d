"""CREATE: from the content of a request to a resource in the tree (TS-0004 clause 7.3.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cse.access import Guard, Right
from cse.address import LONGEST_PATH, MAX_SEGMENTS, addressable, valid_name
from cse.attributes import check_create
from cse.errors import (
    BadRequest,
    Conflict,
    InvalidChildResourceType,
    NotImplementedByThisCSE,
    OperationNotAllowed,
    TargetNotSubscribable,
)
from cse.events import announce, tell, watchers_of
from cse.notification import Event, EventType
from cse.primitive import CREATED, Request, Response, ResultContent, is_resource_type
from cse.representation import represent_created, result_content
from cse.resource import ResourceType
from cse.rules import UNLIMITED, Grant
from cse.store import Resource
from cse.timing import exact_timestamp
from cse.tree.content import bounded, content_of, lifetime, named_attributes, require_policies
from cse.tree.target import live
from cse.work import Target, Work


@dataclass(slots=True)
class Draft:
    """What a CREATE makes below any parent of the same type under the same policies, for the rest of a unit of work.

    `attributes` has a place for those that each resource has of its own; `lifetime` is None where there is none.
    """

    kind: ResourceType
    content: dict[str, Any]
    grant: Grant
    form: ResultContent
    attributes: dict[str, Any]
    lifetime: str | None


def draft(work: Work, request: Request, parent: Resource, guard: Guard) -> Draft:
    """Everything that can be checked before a CREATE: the new resource's type, its parent's, its content, the right."""
    family = _creatable(work, request, parent)
    if family.registers:
        family.registering(work, request)
    grant = UNLIMITED
    if not family.admits(work):
        grant = guard.require(parent, Right.CREATE, child_type=family.number, names=named_attributes(request))
    kind = family.variant_for(request.content)
    if kind is not family:
        _require_creatable(kind)
        _require_place(work, kind, parent)
    content = content_of(request, kind)
    check_create(kind.attributes, content, lenient=request.lenient)
    form = result_content(request)
    require_policies(work, content)
    longest = lifetime(work, content.get("et")) if "et" in kind.attributes else None
    return Draft(kind, content, grant, form, _common(work, request, kind, content), longest)


def create(work: Work, request: Request, target: Target, guard: Guard) -> Response:
    """Add a resource below the target."""
    parent = live(work, target)
    return add_drafted(work, request, draft(work, request, parent, guard), parent)


def add_drafted(work: Work, request: Request, draft: Draft, parent: Resource) -> Response:
    """Add what has been drafted below a parent of the type, and under the policies, that it was drafted for."""
    kind, resource = draft.kind, _new_resource(work, request, draft, parent)
    kind.creating(work, request, resource, parent)
    work.type_of(parent).child_creating(work, parent, resource)
    work.transaction.resources.insert(resource)
    work.ends(resource)
    kind.created(work, resource, parent)
    if watchers := watchers_of(work, parent):
        tell(work, watchers, Event(EventType.CHILD_CREATED, parent, resource, operation=request.operation))
    location = work.model.naming.as_seen_by(request.originator, resource.path)
    return Response(CREATED, represent_created(work, request, draft.form, resource, draft.grant), location=location)


def add(
    work: Work,
    kind: ResourceType,
    parent: Resource,
    attributes: Mapping[str, Any],
    creator: str,
    name: str = "",
    identifier: str = "",
) -> Resource:
    """A resource that the CSE makes by itself, in the name of `creator`. Nothing is checked."""
    identifier, now = identifier or work.new_identifier(kind.short_name), exact_timestamp(work.now)
    own = {"ty": kind.number, "ri": identifier, "pi": parent.ri, "rn": name or identifier, "ct": now, "lt": now}
    resource = Resource(f"{parent.path}/{name or identifier}", creator, kind.defaults | dict(attributes) | own)
    work.transaction.resources.insert(resource)
    work.ends(resource)
    announce(work, Event(EventType.CHILD_CREATED, parent, resource))
    return resource


def _creatable(work: Work, request: Request, parent: Resource) -> ResourceType:
    number = request.resource_type
    if number is None:
        raise BadRequest("resourceType is missing: add ;ty=<number> to the Content-Type")
    kind = work.model.types.get(number)
    if kind is None and not is_resource_type(number):
        raise BadRequest(f"there is no resource type {number}: correct ty in the Content-Type")
    if kind is None:
        raise NotImplementedByThisCSE(f"resource type {number} is not available on this CSE")
    _require_creatable(kind)
    _require_place(work, kind, parent)
    return kind


def _require_creatable(kind: ResourceType) -> None:
    if not kind.creatable:
        raise OperationNotAllowed(f"a {kind.name} is made by the CSE only")


def _require_place(work: Work, kind: ResourceType, parent: Resource) -> None:
    if not kind.may_be_below(work.type_of(parent)):
        sentence = f"a {kind.name} can't be the child of a {work.type_of(parent).name}"
        raise TargetNotSubscribable(sentence) if kind.watches else InvalidChildResourceType(sentence)


def _common(work: Work, request: Request, kind: ResourceType, content: dict[str, Any]) -> dict[str, Any]:
    """The attributes that follow from the request alone."""
    now = exact_timestamp(work.now)
    attributes = kind.defaults | content | {"ty": kind.number, "ri": "", "pi": "", "rn": "", "ct": now, "lt": now}
    if "cr" in content:
        if content["cr"] is not None:
            raise BadRequest("cr is filled in by the CSE: send null to ask for it")
        attributes["cr"] = work.model.naming.originator(request.originator)
    return attributes


def _new_resource(work: Work, request: Request, draft: Draft, parent: Resource) -> Resource:
    kind = draft.kind
    identifier = work.consent.identifier or kind.identify(work, request, draft.content)
    name = _name(kind.fixed_name(parent), draft.content, identifier)
    path = f"{parent.path}/{name}"
    if not addressable(path):
        limits = f"{MAX_SEGMENTS} names or {LONGEST_PATH} characters"
        raise BadRequest(f"rn makes an address of more than {limits}: shorten it")
    if not (name == identifier and kind.identifies_at_random):
        _require_free(work, name, path)
    attributes = draft.attributes | {"ri": identifier, "pi": parent.ri, "rn": name}
    if draft.lifetime is not None:
        attributes["et"] = bounded(draft.lifetime, parent)
    return Resource(path, work.model.naming.originator(request.originator), attributes)


def _name(fixed: str | None, content: dict[str, Any], identifier: str) -> str:
    name = str(content.get("rn") or fixed or identifier)
    if fixed is not None and name != fixed:
        raise BadRequest(f"rn must be {fixed} here: correct it or leave it out")
    return name


def _require_free(work: Work, name: str, path: str) -> None:
    """A child may have this name, and there is none yet."""
    if not valid_name(name):
        raise BadRequest("rn must consist of letters, digits, '-', '_', '.', '~' and have at most 256 of them")
    if name in work.model.virtual_names or name in ("-", "_", "~", ".", ".."):
        raise OperationNotAllowed(f"rn {name} is reserved: choose another name")
    if work.transaction.resources.look_at(path) is not None:
        raise Conflict(f"there is a resource {path} already: choose another rn")
