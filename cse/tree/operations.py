"""One request on the tree, whatever its operation."""

from collections.abc import Callable

from cse.access import Guard
from cse.errors import OperationNotAllowed
from cse.primitive import OK, Operation, Request, Response
from cse.tree.create import create
from cse.tree.delete import delete
from cse.tree.retrieve import retrieve
from cse.tree.target import find_target
from cse.tree.update import update
from cse.work import Target, Work


def perform(work: Work, request: Request) -> Response:
    """Carry out an operation on a resource of this CSE; raises CSEError, leaving nothing done.

    The caller undoes the transaction (or its savepoint) when this raises.
    """
    work.request = request
    return operate(work, request, find_target(work, request), Guard(work, request))


def operate(work: Work, request: Request, target: Target, guard: Guard) -> Response:
    """The same when it is known what the request is about."""
    if target.virtual is not None and target.virtual.fans_out:
        raise OperationNotAllowed(
            "a fanOutPoint can't be the member of a fan-out by this way: name the group's members"
        )
    return _OPERATIONS[request.operation](work, request, target, guard)


def _notify(work: Work, request: Request, target: Target, guard: Guard) -> Response:
    kind = work.type_of(target.resource)
    if target.virtual is not None or not kind.takes_notifications:
        raise OperationNotAllowed(f"{target.resource.path} takes no notifications: only an AE, or a group's fopt, does")
    kind.notified(work, target.resource, request)
    return Response(OK)


_OPERATIONS: dict[Operation, Callable[[Work, Request, Target, Guard], Response]] = {
    Operation.CREATE: create,
    Operation.RETRIEVE: retrieve,
    Operation.UPDATE: update,
    Operation.DELETE: delete,
    Operation.NOTIFY: _notify,
}
