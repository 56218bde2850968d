"""Where a request goes: the tree, the members of a group, or a device (TS-0004 clause 7.3)."""

from collections.abc import Callable

from cse.access import Guard, Right
from cse.core import Core
from cse.door import Door
from cse.errors import BadRequest, OperationNotAllowed, ReleaseVersionNotSupported
from cse.exchange import Exchange
from cse.fanout.service import FanOut
from cse.network import Host
from cse.notify import Notifier
from cse.primitive import OK, Operation, Request, Response
from cse.resource import Outgoing, Work
from cse.tree.create import prepare_create
from cse.tree.operations import perform
from cse.tree.target import find_target
from cse.tree.update import prepare_update

RELEASES = {"2a", "3", "4", "5"}
Then = Callable[[Work, Response], None]


class Dispatcher:
    """Checks the parameters of requests and carries them out."""

    def __init__(self, core: Core, door: Door, fan_out: FanOut, exchange: Exchange, notifier: Notifier) -> None:
        self._core = core
        self._door = door
        self._fan_out = fan_out
        self._exchange = exchange
        self._notifier = notifier

    def check(self, request: Request) -> None:
        """The parameters that concern every request; raises CSEError."""
        if request.release_version is not None and request.release_version not in RELEASES:
            raise ReleaseVersionNotSupported(f"X-M2M-RVI must be one of {', '.join(sorted(RELEASES))}")
        if not request.originator and not self._core.model.registers(request):
            raise BadRequest("X-M2M-Origin is missing: only the registration of an AE may leave it out")
        if request.filters and request.operation in (Operation.CREATE, Operation.NOTIFY):
            raise BadRequest(f"{next(iter(request.filters))} can't be used with {request.operation.name}: remove it")
        if request.attribute_list and request.operation is not Operation.RETRIEVE:
            raise BadRequest(f"a list of attributes (atrl) can't be used with {request.operation.name}: leave it out")
        self._check_content(request)
        if self._core.model.naming.names_cse(request.to) and not (request.lenient or _notifies(request)):
            raise BadRequest(f"{request.to} is the CSE, and no resource: add /- for the CSEBase")

    def _check_content(self, request: Request) -> None:
        """Whether the content may be there, and is there, for the operation."""
        if request.content is None and request.operation in (Operation.CREATE, Operation.UPDATE):
            raise BadRequest(f"the content is missing: {request.operation.name} needs the resource below its root")
        roots = request.content if isinstance(request.content, dict) else ()
        if _notifies(request) and not self._core.model.roots.isdisjoint(roots):
            raise BadRequest("resourceType is missing: to create a resource, add ;ty=<number> to the Content-Type")

    def fans_out(self, request: Request) -> bool:
        """Whether the request goes to the members of a group."""
        return not self._core.model.fan_out_names.isdisjoint(request.to.split("/"))

    async def execute(self, request: Request, accepted: float, then: Then | None = None) -> Response:
        """Carry out and return the final response; raises CSEError. `then` runs in the same unit of work if it can.

        Relative times of the request count from `accepted`.
        """
        if self.fans_out(request):
            return await self._fan_out.blocking(request, accepted)
        if request.operation is Operation.NOTIFY:
            return await self._finally(await self._notify(request), then)
        await self._verify(request)

        def unit(work: Work) -> Response:
            response = perform(work, request)
            if then is not None:
                then(work, response)
            return response

        if request.operation is Operation.RETRIEVE and then is None:
            return await self._core.read(unit)
        return await self._core.run(unit)

    async def _finally(self, response: Response, then: Then | None) -> Response:
        if then is not None:
            await self._core.run(lambda work: then(work, response))
        return response

    async def _verify(self, request: Request) -> None:
        """What needs an answer from outside before the operation: asked here, and the operation checks all again."""
        if self._must_ask_outside(request):
            for outgoing in await self._core.read(lambda work: _questions(work, request)):
                await self._notifier.verify(outgoing)

    def _must_ask_outside(self, request: Request) -> bool:
        """Whether a resource of a type that has to verify something is to be created or updated."""
        if request.operation is Operation.CREATE:
            kind = self._core.model.types.get(request.resource_type or 0)
            return kind is not None and kind.verifies
        if request.operation is Operation.UPDATE and isinstance(request.content, dict):
            return not self._core.model.verifying_roots.isdisjoint(request.content)
        return False

    async def _notify(self, request: Request) -> Response:
        if self._is_late_answer(request):
            return self._accept_answer(request)
        host = await self._core.read(lambda work: _permitted_host(work, request))
        return await self._exchange.send(host, request)

    def _is_late_answer(self, request: Request) -> bool:
        """A device that acknowledged a request first and answers it now does so by NOTIFY to the CSEBase."""
        return isinstance(request.content, dict) and list(request.content) == ["m2m:rsp"]

    def _accept_answer(self, request: Request) -> Response:
        if self._core.model.naming.local(request.to) != [self._core.model.naming.cse_name]:
            raise BadRequest("m2m:rsp must be sent to the CSEBase")
        answer = request.content["m2m:rsp"]
        if not isinstance(answer, dict) or not isinstance(answer.get("rqi"), str) or type(answer.get("rsc")) is not int:
            raise BadRequest("m2m:rsp must have rqi (a string) and rsc (an integer)")
        self._door.answer(answer["rqi"], request.originator, Response(answer["rsc"], answer.get("pc")), "notification")
        return Response(OK)


def _notifies(request: Request) -> bool:
    return request.operation is Operation.NOTIFY


def _questions(work: Work, request: Request) -> list[Outgoing]:
    """What has to be answered with success, once everything that can be checked without is in order."""
    target, guard = find_target(work, request), Guard(work, request)
    if request.operation is Operation.CREATE:
        kind, parent, content, _ = prepare_create(work, request, target, guard)
        return kind.verifications(work, request, parent, content)
    kind, resource, changes, _ = prepare_update(work, request, target, guard)
    return kind.verifications(work, request, resource, changes)


def _permitted_host(work: Work, request: Request) -> Host:
    target = work.target(request.to)
    Guard(work, request).require(target.resource, Right.NOTIFY)
    if target.resource.path == work.model.naming.cse_name:
        raise BadRequest("the CSE takes answers to its own requests only: m2m:rsp")
    host = None if target.virtual else work.type_of(target.resource).host(target.resource)
    if host is None:
        raise OperationNotAllowed(f"{request.to} takes no notifications: only an AE, or a group's fopt, does")
    return host
