"""DELETE: a resource goes with everything below it (TS-0004 clause 7.3.3)."""

from cse.access import Guard, Right
from cse.events import announce, announce_deletion
from cse.primitive import DELETED, Request, Response, ResultContent
from cse.representation import represent, result_content
from cse.resource import Event, EventType, Target, Work
from cse.store import Resource
from cse.tree.target import live, require_conditions, tell_of_reading


def delete(work: Work, request: Request, target: Target, guard: Guard) -> Response:
    """Remove the target."""
    resource = live(work, target)
    guard.require(resource, Right.DELETE)
    require_conditions(work, request, resource)
    tell_of_reading(work, resource)
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
