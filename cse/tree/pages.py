"""What filterCriteria leave of a resource and of what is below it, for somebody with certain privileges."""

from functools import partial

from cse.access import Guard, Right
from cse.discovery.criteria import Filter
from cse.discovery.search import Finder, Neighbours, Page
from cse.errors import NotFound
from cse.primitive import Content, Response
from cse.store import Resource
from cse.work import Work

PARTIAL = 1  # m2m:contentStatus


def matches(work: Work, resource: Resource, criteria: Filter, guard: Guard) -> Page:
    """What the originator may discover below a resource."""
    return Finder(work, resource, criteria, partial(guard.permits, right=Right.DISCOVERY)).matches()


def descendants(work: Work, resource: Resource, criteria: Filter, guard: Guard) -> Page:
    """What the originator may retrieve below a resource."""
    return Finder(work, resource, criteria, partial(guard.permits, right=Right.RETRIEVE)).branches()


def require_fit(work: Work, resource: Resource, criteria: Filter, guard: Guard) -> None:
    """NotFound unless a resource meets the conditions; neighbours that can't be retrieved do not count for them."""
    if criteria.conditions and not criteria.fits(
        resource, Neighbours(work, partial(guard.permits, right=Right.RETRIEVE))
    ):
        raise NotFound(f"{resource.path} does not meet the filter criteria")


def paged(status_code: int, content: Content, page: Page) -> Response:
    """A response that says where to go on when there is more."""
    if page.next_offset is None:
        return Response(status_code, content)
    return Response(status_code, content, content_status=PARTIAL, content_offset=page.next_offset)
