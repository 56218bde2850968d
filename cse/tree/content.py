"""What requests carry: the attributes below the root of a resource, and the lifetime that they ask for."""

from collections.abc import Mapping
from typing import Any

from cse.errors import BadRequest
from cse.leniency import put_right
from cse.primitive import Operation, Request
from cse.resource import ResourceType
from cse.store import Resource
from cse.timing import parse_timestamp, timestamp
from cse.work import Work


def content_of(request: Request, kind: ResourceType) -> dict[str, Any]:
    """The attributes in a request that is to create or change a resource of this type."""
    content = request.content
    if not isinstance(content, dict) or list(content) != [kind.root] or not isinstance(content[kind.root], dict):
        raise BadRequest(f'the content must be one object below "{kind.root}"')
    if request.lenient:
        return put_right(kind.attributes, content[kind.root], creating=request.operation is Operation.CREATE)
    return dict(content[kind.root])


def named_attributes(request: Request) -> tuple[str, ...]:
    """The attributes that a CREATE or UPDATE names; none if its content is not one object below a root."""
    content = request.content
    if isinstance(content, dict) and len(content) == 1:
        (attributes,) = content.values()
        return tuple(attributes) if isinstance(attributes, dict) else ()
    return ()


def require_policies(work: Work, attributes: Mapping[str, Any]) -> None:
    """BadRequest if `acpi` names something on this CSE that is no policy; others' policies can't be looked at."""
    for address in attributes.get("acpi") or ():
        policy = work.resource(address)
        if work.model.naming.local(address) is not None and (policy is None or policy.ty not in work.model.policies):
            raise BadRequest(f"acpi names {address[:80]!r}, which is no accessControlPolicy on this CSE: correct it")


def expiration(work: Work, wanted: str | None, parent: Resource) -> str:
    """The lifetime that a resource gets: as asked for, not longer than allowed and than its parent's."""
    return bounded(lifetime(work, wanted), parent)


def bounded(chosen: str, parent: Resource) -> str:
    """Not longer than its parent's."""
    return min(chosen, str(parent.attributes.get("et", chosen)))


def lifetime(work: Work, wanted: str | None) -> str:
    """As asked for, not longer than allowed."""
    settings = work.model.settings
    if wanted is None:
        return timestamp(work.now + settings.default_lifetime)
    if (moment := parse_timestamp(wanted, "et")) <= work.now:
        raise BadRequest("et lies in the past: give a later expirationTime")
    if moment > work.now + settings.max_lifetime:
        return timestamp(work.now + settings.max_lifetime)
    return wanted.replace(".", ",").removesuffix("Z")
