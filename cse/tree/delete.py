"""DELETE: a resource goes with everything below it (TS-0004 clause 7.3.3)."""

from cse.access import Guard, Right
from cse.discovery.criteria import Filter
from cse.events import announce, announce_deletion
from cse.notification import Event, EventType
from cse.primitive import DELETED, Operation, Request, Response, ResultContent
from cse.representation import WITH_CHILDREN, represent, represent_with_children, result_content
from cse.store import Resource
from cse.tree.pages import descendants, paged
from cse.tree.policies import forget_policies
from cse.tree.target import live, require_conditions, tell_of_reading
from cse.work import Target, Work


def delete(work: Work, request: Request, target: Target, guard: Guard) -> Response:
    """Remove the target."""
    resource = live(work, target)
    guard.require(resource, Right.DELETE)
    work.require_unlocked(resource)
    criteria = require_conditions(work, request, resource, guard)
    tell_of_reading(work, resource)
    result_content(request)
    work.type_of(resource).deleting(work, resource)
    last_state = _last_state(work, request, resource, criteria, guard)
    remove(work, resource, request.operation)
    return last_state


def _last_state(work: Work, request: Request, resource: Resource, criteria: Filter, guard: Guard) -> Response:
    """The response: the resource as it was, if that is wanted, with the descendants that could have been retrieved."""
    form = result_content(request)
    if form in WITH_CHILDREN:
        page = descendants(work, resource, criteria.without_conditions(), guard)
        return paged(DELETED, represent_with_children(work, request, form, resource, page.resources), page)
    return Response(DELETED, represent(work, resource) if form is ResultContent.ATTRIBUTES else None)


def remove(work: Work, resource: Resource, operation: Operation | None = None) -> None:
    """Take a resource with its descendants out of the tree: notifications, group membership and counters follow.

    `operation` is what an originator has asked for, if that was this.
    """
    announce_deletion(work, resource, operation)
    for holder in work.transaction.lists.drop_targets(resource.path):
        work.list_changed(holder)
    forget_policies(work, resource)
    parent = work.transaction.resources.get(resource.pi)
    work.transaction.resources.remove(resource)
    work.type_of(resource).deleted(work, resource)
    if parent is not None:
        work.type_of(parent).child_deleted(work, parent, resource)
        announce(work, Event(EventType.CHILD_DELETED, parent, resource))
