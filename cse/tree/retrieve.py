"""RETRIEVE: one resource, with its children, or the addresses of a discovery (TS-0004 clause 7.3.3)."""

from collections.abc import Callable
from typing import Any

from cse.access import Guard, Right
from cse.discovery import Filter, find, parse_filter
from cse.errors import BadRequest, NotFound
from cse.primitive import OK, Request, Response, ResultContent
from cse.representation import represent, represent_with_children, result_content
from cse.resource import Target, Work
from cse.store import Resource
from cse.tree.target import live, tell_of_reading

WITH_CHILDREN = {
    ResultContent.ATTRIBUTES_AND_CHILD_RESOURCES,
    ResultContent.ATTRIBUTES_AND_CHILD_REFERENCES,
    ResultContent.CHILD_REFERENCES,
    ResultContent.CHILD_RESOURCES,
}


def retrieve(work: Work, request: Request, target: Target, guard: Guard) -> Response:
    """Represent the target, or discover what is below it."""
    criteria = parse_filter(request.filters, work.model.attribute_names)
    resource = live(work, target)
    if criteria.discovers:
        return _discover(work, request, resource, criteria, guard)
    guard.require(resource, Right.RETRIEVE)
    tell_of_reading(work, resource)
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
