"""Where a request goes: the tree, the members of a group, or a device (TS-0004 clause 7.3)."""

from cse.access import Guard, Right
from cse.core import Core
from cse.door import Door, answer_in
from cse.errors import BadRequest, OperationNotAllowed, ReleaseVersionNotSupported
from cse.events import announce
from cse.exchange import Exchange
from cse.fanout.service import FanOut
from cse.forwarding import carrier
from cse.network import Host
from cse.notification import Event
from cse.performer import Performer, Then
from cse.polling import PollingChannels
from cse.primitive import OK, Operation, Request, Response
from cse.transit import Transit
from cse.tree.target import locate
from cse.work import Work

RELEASES = {"2a", "3", "4", "5"}
SUBSCRIPTION_ROOTS = (["m2m:sgn"], ["m2m:agn"])


class Dispatcher:
    """Checks the parameters of requests and carries them out."""

    def __init__(
        self,
        core: Core,
        door: Door,
        fan_out: FanOut,
        exchange: Exchange,
        performer: Performer,
        polling: PollingChannels,
        transit: Transit,
    ) -> None:
        self._core = core
        self._door = door
        self._fan_out = fan_out
        self._exchange = exchange
        self._performer = performer
        self._polling = polling
        self._transit = transit

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
        return self._core.model.fans_out(request)

    def polls(self, request: Request) -> bool:
        """Whether the request waits for others, or answers one of them, on a polling channel."""
        destination = self._core.model.destination(request.to)
        return destination is not None and destination.polls

    async def execute(self, request: Request, accepted: float, then: Then | None = None) -> Response:
        """Carry out and return the final response; raises CSEError. `then` runs in the same unit of work if it can.

        Relative times of the request count from `accepted`.
        """
        destination = self._core.model.destination(request.to)
        if destination is None:
            return await self._finally(await self._transit.forward(request, accepted), then)
        if destination.fans_out:
            return await self._fan_out.blocking(request, accepted)
        if destination.polls:
            return await self._finally(await self._polling.carry_out(request, accepted), then)
        if request.operation is Operation.NOTIFY:
            return await self._finally(await self._notify(request), then)
        return await self._performer.perform(request, then)

    async def _finally(self, response: Response, then: Then | None) -> Response:
        if then is not None:
            await self._core.run(lambda work: then(work, response))
        return response

    async def _notify(self, request: Request) -> Response:
        if self._is_late_answer(request):
            return await self._accept_answer(request)
        host = await self._core.consult(lambda work: _permitted_host(work, request))
        if host is None:
            return await self._performer.perform(request)
        return await self._exchange.send(host, request)

    def _is_late_answer(self, request: Request) -> bool:
        """A device that acknowledged a request first and answers it now does so by NOTIFY to the CSEBase."""
        return isinstance(request.content, dict) and list(request.content) == ["m2m:rsp"]

    async def _accept_answer(self, request: Request) -> Response:
        if self._core.model.naming.local(request.to) != [self._core.model.naming.cse_name]:
            raise BadRequest("m2m:rsp must be sent to the CSEBase")
        await self._door.accept(answer_in(request))
        return Response(OK)


def _notifies(request: Request) -> bool:
    return request.operation is Operation.NOTIFY


def _tells_of_subscription(work: Work, request: Request) -> bool:
    """Whether another CSE notifies a subscriber: he has agreed to that when the CSE verified his subscription."""
    cse_id = work.model.naming.originator(request.originator)
    is_cse = work.model.naming.other_cse(cse_id) == cse_id and carrier(work, cse_id) is not None
    return is_cse and isinstance(request.content, dict) and list(request.content) in SUBSCRIPTION_ROOTS


def _permitted_host(work: Work, request: Request) -> Host | None:
    """Who is notified if the originator may do that; None for a resource that takes notifications by itself."""
    target = locate(work, request.to)
    if target.virtual is None and work.type_of(target.resource).takes_notifications:
        return None
    if not _tells_of_subscription(work, request):
        Guard(work, request).require(target.resource, Right.NOTIFY)
    if target.resource.path == work.model.naming.cse_name:
        raise BadRequest("the CSE takes answers to its own requests only: m2m:rsp")
    host = None if target.virtual else work.type_of(target.resource).host(target.resource)
    if host is None:
        raise OperationNotAllowed(f"{request.to} takes no notifications: only an AE, or a group's fopt, does")
    work.request = request
    announce(work, Event(None, target.resource, target.resource, operation=request.operation))
    return host
