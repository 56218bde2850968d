"""Every request comes in here: blocking ones are carried out, others accepted first (TS-0004 clause 7.3.1.2)."""

import asyncio
import logging
import math
from collections.abc import Callable
from functools import partial

from cse.cluster.handover import HandOver
from cse.cluster.switchboard import Switchboard
from cse.complaints import Complaints
from cse.core import Core
from cse.dispatch import Dispatcher
from cse.errors import BadRequest, CSEError, RequestTimeout
from cse.fanout.flexible import answer_so_far
from cse.fanout.progress import notify_originator
from cse.fanout.service import FanOut
from cse.primitive import Request, Response, ResponseType, error_response
from cse.repeats import Repeats, concern
from cse.store import Resource
from cse.store.worker import TransactionLost
from cse.times import Times, times_of
from cse.timing import parse_moment
from cse.work import Work

ACCEPTED = {ResponseType.NON_BLOCKING_SYNCH: 1001, ResponseType.NON_BLOCKING_ASYNCH: 1002}
PAUSE = 1.0  # seconds after which a store that has failed is tried again
REMEMBERED = 60.0  # seconds for which the answer to a request without expiration is kept, should it be repeated


log = logging.getLogger(__name__)


class Requests:
    """Answers requests. A non-blocking one is stored durably in a <request> resource before it is acknowledged."""

    def __init__(self, core: Core, dispatcher: Dispatcher, fan_out: FanOut, switchboard: Switchboard) -> None:
        self._core = core
        self._hand_over = HandOver(core, switchboard, self.handle, dispatcher.fans_out)
        self._dispatcher = dispatcher
        self._fan_out = fan_out
        self._repeats = Repeats(core.clock)
        self._complaints = Complaints(core.clock, log)

    async def handle(self, request: Request) -> Response:
        """The response to a request, whatever happens."""
        try:
            self._dispatcher.check(request)
            now = self._core.clock.now()
            if _is_plain(request) and not self._dispatcher.fans_out(request):
                return await self._dispatcher.execute(request, now)
            return await self._handle(request, times_of(request, now))
        except Exception as error:
            return self._explanation(request, error)

    async def _handle(self, request: Request, times: Times) -> Response:
        """Here or in another process, now or after an acknowledgement; raises CSEError."""
        if await self._hand_over.concerns(request):
            return await self._hand_over.carry_out(request, times)
        request = self._decided(request, times)
        if request.response_type is ResponseType.FLEX_BLOCKING:
            return await self._answer_soon(request, times)
        if request.response_type in ACCEPTED:
            return await self._accept(request, times)
        return await self._once(request, times)

    async def _once(self, request: Request, times: Times) -> Response:
        """Carry out a blocking request, unless it is the repetition of one."""
        if not concern(request, fans_out=self._dispatcher.fans_out(request)):
            return await self._blocking(request, times)
        ends = (times.request_expiration, times.result_expiration, times.execution + REMEMBERED)
        until = max(end for end in ends if end is not None)
        return await self._repeats.once(request, until, partial(self._blocking, request, times))

    async def _blocking(self, request: Request, times: Times) -> Response:
        try:
            await self._wait_blocking(times)
            return await self._dispatcher.execute(request, times.accepted)
        except Exception as error:
            return self._explanation(request, error)

    def waits(self, request: Request) -> bool:
        """Whether it is a poll, which nobody needs when the originator has gone."""
        return self._dispatcher.polls(request)

    def _decided(self, request: Request, times: Times) -> Request:
        """For flexBlocking the CSE decides (TS-0001 clause 8.2.2), for a fan-out after a while: it stays as it is."""
        if request.response_type is not ResponseType.FLEX_BLOCKING:
            return request
        if times.waits:
            return _accepted_first(request)
        return request if self._dispatcher.fans_out(request) else request.derive(response_type=ResponseType.BLOCKING)

    async def _wait_blocking(self, times: Times) -> None:
        """Until operationExecutionTime, while the originator holds the connection."""
        if times.waits:
            longest = self._core.settings.blocking_deadline
            if times.execution - times.accepted > longest:
                raise BadRequest(f"X-M2M-OET is more than {longest:g} s away (blocking_deadline): use rt=1 or rt=2")
            await self._wait(times)

    async def _wait(self, times: Times) -> None:
        await self._core.clock.sleep(times.execution - self._core.clock.now())

    async def _accept(self, request: Request, times: Times) -> Response:
        """Store the request, start it, and return the acknowledgement with the identifier of its <request>."""
        return self._acknowledgement(request, (await self._start(request, times))[0])

    async def _answer_soon(self, request: Request, times: Times) -> Response:
        """The whole answer to a fan-out if it is there soon; otherwise what is there, and the rest in its <request>."""
        request = _accepted_first(request)
        resource, task = await self._start(request, times)
        await self._core.clock.within(self._core.settings.flexible_patience, asyncio.shield(task))
        acknowledgement = self._acknowledgement(request, resource)
        uri = acknowledgement.content["m2m:uri"]
        answer = await self._core.run(partial(answer_so_far, request_resource=resource, uri=uri, finished=task.done()))
        return answer or acknowledgement

    def _acknowledgement(self, request: Request, resource: str) -> Response:
        uri = self._core.model.naming.as_seen_by(request.originator, resource)
        return Response(ACCEPTED[request.response_type], {"m2m:uri": uri})

    async def _start(self, request: Request, times: Times) -> tuple[str, asyncio.Task[None]]:
        """Store the request and have it carried out; its <request>."""
        expires = self._expires(request, times)

        def unit(work: Work) -> Resource:
            keeper = work.model.request_keeper
            target = work.resource(request.to)
            if target is not None and work.type_of(target) is keeper:
                raise BadRequest("rt 1 and 2 can't be used on a <request> resource: leave rt out")
            return keeper.open(work, request, expires, self._core.store.company.process)

        resource = await self._core.run(unit)
        work = self._carry_out(resource.ri, request, times.accepted)
        return resource.ri, self._core.start(work, f"request {resource.ri}")

    async def resume(self) -> None:
        """Go on with requests that were accepted, and not begun, by processes that are not there any more."""
        company = self._core.store.company
        alive = await company.processes()
        found = await self._core.run(lambda work: work.model.request_keeper.take_over(work, company.process, alive))
        for resource, request in found:
            accepted = resource.attributes["_accepted"]
            self._core.start(self._carry_out(resource.ri, request, accepted), f"request {resource.ri}")

    def _expires(self, request: Request, times: Times) -> float:
        """Until when the result is kept: for resultPersistence, or as long as the request says it is of use.

        The result of a fan-out is complete at its deadline only, and kept for a time from then on.
        """
        settings = self._core.settings
        fans_out = self._dispatcher.fans_out(request)
        end = self._fan_out.limits(request, times.accepted).deadline if fans_out else times.execution
        useful = None if fans_out else times.result_expiration or times.request_expiration
        wanted = useful or end + settings.result_lifetime
        if request.result_persistence is not None:
            wanted = max(end, parse_moment(request.result_persistence, end, "rp"))
        return math.ceil(min(wanted, end + settings.max_lifetime))

    async def _carry_out(self, request_resource: str, request: Request, accepted: float) -> None:
        def close(work: Work, response: Response) -> None:
            resource = work.transaction.resources.get(request_resource)
            if resource is not None:
                work.model.request_keeper.close(work, resource, response)
                notify_originator(work, request, response)

        try:
            times = times_of(request, accepted)
            await self._wait(times)
            if self._dispatcher.fans_out(request):
                await self._fan_out.begin(request, request_resource, accepted)
            else:
                self._require_time(times)
                await self._dispatcher.execute(request, accepted, close)
        except Exception as error:
            explanation = self._explanation(request, error)
            await self._persistently(lambda work: close(work, explanation))

    async def _persistently(self, unit: Callable[[Work], None]) -> None:
        """A store that fails for a while, because the disk is full for example, delays an answer and loses none."""
        while True:
            try:
                return await self._core.run(unit)
            except TransactionLost:
                await self._core.clock.sleep(PAUSE)

    def _explanation(self, request: Request, error: Exception) -> Response:
        """What an originator is told of an error; what he can do nothing about is told to the operator."""
        if isinstance(error, CSEError):
            return error_response(error.status_code, str(error))
        if isinstance(error, TransactionLost):
            self._complaints.about("store", f"requests fail because the store does: {error}")
            return error_response(5000, "the CSE can't store anything now, the operator has to see to it: try later")
        log.error("request %s failed", request.request_identifier, exc_info=error)
        return error_response(5000, "the CSE failed to carry out the request: see the server's log")

    def _require_time(self, times: Times) -> None:
        """The server may have been down for a while."""
        expiration = times.request_expiration
        if expiration is not None and expiration <= self._core.clock.now():
            raise RequestTimeout("X-M2M-RET passed before the request could be carried out")


def _is_plain(request: Request) -> bool:
    """Whether nothing says that it be carried out later, until a certain time, only once, or acknowledged first."""
    return (
        request.response_type is ResponseType.BLOCKING
        and request.group_request_identifier is None
        and request.request_expiration is None
        and request.result_expiration is None
        and request.execution_time is None
    )


def _accepted_first(request: Request) -> Request:
    """What takes time: polled for, or told to those whom the originator names."""
    polled = request.notification_uris is None
    form = ResponseType.NON_BLOCKING_SYNCH if polled else ResponseType.NON_BLOCKING_ASYNCH
    return request.derive(response_type=form)
