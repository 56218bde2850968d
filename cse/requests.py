"""Every request comes in here: blocking ones are carried out, others accepted first (TS-0004 clause 7.3.1.2)."""

import logging
from collections.abc import Callable

from cse.core import Core
from cse.dispatch import Dispatcher
from cse.errors import BadRequest, CSEError
from cse.fanout.progress import notify_originator
from cse.fanout.service import FanOut
from cse.primitive import Request, Response, ResponseType, error_response
from cse.resource import Work
from cse.store import Resource
from cse.timing import parse_moment

ACCEPTED = {ResponseType.NON_BLOCKING_SYNCH: 1001, ResponseType.NON_BLOCKING_ASYNCH: 1002}


log = logging.getLogger(__name__)


class Requests:
    """Answers requests. A non-blocking one is stored durably in a <request> resource before it is acknowledged."""

    def __init__(self, core: Core, dispatcher: Dispatcher, fan_out: FanOut) -> None:
        self._core = core
        self._dispatcher = dispatcher
        self._fan_out = fan_out

    async def handle(self, request: Request) -> Response:
        """The response to a request, whatever happens."""
        try:
            self._dispatcher.check(request)
            if request.response_type in ACCEPTED:
                return await self._accept(request)
            return await self._dispatcher.execute(request)
        except CSEError as error:
            return error_response(error.status_code, str(error))
        except Exception:
            log.exception("request %s failed", request.request_identifier)
            return error_response(5000, "the CSE failed to carry out the request: see the server's log")

    async def _accept(self, request: Request) -> Response:
        """Store the request, start it, and return the acknowledgement with the identifier of its <request>."""
        now = self._core.clock.now()
        expires = self._expires(request, now)

        def unit(work: Work) -> Resource:
            keeper = work.model.request_keeper
            target = work.resource(request.to)
            if target is not None and work.type_of(target) is keeper:
                raise BadRequest("rt 1 and 2 can't be used on a <request> resource: leave rt out")
            return keeper.open(work, request, expires)

        resource = await self._core.run(unit)
        self._core.start(self._carry_out(resource.ri, request, now), f"request {resource.ri}")
        return Response(ACCEPTED[request.response_type], {"m2m:uri": resource.ri})

    async def resume(self) -> None:
        """After a restart: requests that were accepted and not begun."""
        for resource, request in await self._core.read(lambda work: work.model.request_keeper.pending(work)):
            accepted = resource.attributes["_accepted"]
            self._core.start(self._carry_out(resource.ri, request, accepted), f"request {resource.ri}")

    def _expires(self, request: Request, now: float) -> float:
        """The result stays readable for resultPersistence, or the default, after the last moment of the request."""
        settings = self._core.settings
        deadline = self._fan_out.limits(request, now).deadline
        wanted = deadline + settings.result_lifetime
        if request.result_persistence is not None:
            wanted = max(deadline, parse_moment(request.result_persistence, deadline, "rp"))
        return min(wanted, deadline + settings.max_lifetime)

    async def _carry_out(self, request_resource: str, request: Request, accepted: float) -> None:
        def close(work: Work, response: Response) -> None:
            resource = work.transaction.resources.get(request_resource)
            if resource is not None:
                work.model.request_keeper.close(work, resource, response)
                notify_originator(work, request, response)

        try:
            if self._dispatcher.fans_out(request):
                await self._fan_out.begin(request, request_resource, accepted)
            else:
                await self._dispatcher.execute(request, close)
        except CSEError as error:
            await self._fail(error_response(error.status_code, str(error)), close)
        except Exception:
            log.exception("request %s failed", request.request_identifier)
            await self._fail(
                error_response(5000, "the CSE failed to carry out the request: see the server's log"), close
            )

    async def _fail(self, response: Response, close: Callable[[Work, Response], None]) -> None:
        await self._core.run(lambda work: close(work, response))
