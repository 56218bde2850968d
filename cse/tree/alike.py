"""One request for many resources: what it comes to is worked out once for all that are alike."""

from typing import Any

from cse.access import Guard
from cse.primitive import Operation, Request, Response
from cse.tree.create import Draft, add_drafted, draft
from cse.tree.operations import operate
from cse.tree.target import find_target, live
from cse.work import Target, Work


class Alike:
    """Of a request that goes to many in one unit of work, whatever its own `to` is."""

    def __init__(self, work: Work, request: Request) -> None:
        self._work = work
        self._request = request
        self._guard = Guard(work, request)
        self._drafts: dict[tuple[Any, ...], Draft] = {}
        self._base = f"{work.model.naming.cse_name}/"
        work.request = request

    def perform(self, address: str) -> Response:
        """Carry it out on one of them; as `cse.tree.operations.perform`."""
        target = self._target(address)
        if self._request.operation is Operation.CREATE and target.virtual is None:
            return self._create(target)
        return operate(self._work, self._request, target, self._guard)

    def _target(self, address: str) -> Target:
        """What is at a structured address is a resource as such, unless the last name says otherwise."""
        if address.startswith(self._base) and address.rpartition("/")[2] not in self._work.model.virtual_names:
            resource = self._work.transaction.resources.find(address)
            if resource is not None:
                return Target(resource)
        return find_target(self._work, self._request, address)

    def _create(self, target: Target) -> Response:
        parent = live(self._work, target)
        signature = self._guard.signature(parent)
        drafted = self._drafts.get(signature) if signature else None
        if drafted is None:
            drafted = draft(self._work, self._request, parent, self._guard)
            if signature and not drafted.kind.registers:
                self._drafts[signature] = drafted
        return add_drafted(self._work, self._request, drafted, parent)
