"""Requests on their way through this CSE to another one (TS-0001 clause 8.3, TS-0004 clause 7.3.2.6)."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

from cse.core import Core
from cse.errors import BadRequest, NotFound, OperationNotAllowed, TargetNotReachable
from cse.exchange import Exchange
from cse.forwarding import carrier, remote_host
from cse.network import Host
from cse.primitive import Operation, Request, Response, ResponseType
from cse.times import times_of
from cse.timing import exact_timestamp, parse_timestamp
from cse.work import Work

Trace = tuple[str, str, int, str]
UNNAMED = ("", "C", "S")  # From of a registration whose AE-ID the CSE assigns


class Transit:
    """Hands requests on, and their answers back. What is under way is known, so that nothing goes round for ever."""

    def __init__(self, core: Core, exchange: Exchange) -> None:
        self._core = core
        self._exchange = exchange
        self._under_way: dict[Trace, str] = {}

    async def forward(self, request: Request, accepted: float) -> Response:
        """The answer of the other CSE, whatever it is; raises CSEError if none comes.

        Relative times of the request count from `accepted`.
        """
        with self._passing(self._outgoing(request, accepted)) as outgoing:
            host, neighbour = await self._core.read(lambda work: _way(work, outgoing))
            return await self._exchange.forward(host, outgoing, neighbour, _deadline(outgoing))

    @contextmanager
    def _passing(self, request: Request) -> Iterator[Request]:
        """The request is on its way, with an identifier that no other one has at the same time."""
        self._require_passage(request)
        identifier = request.request_identifier
        if self._exchange.awaits(identifier) or identifier in self._under_way.values():
            request = request.derive(request_identifier=self._exchange.new_identifier())
        trace = _trace(request)
        self._under_way[trace] = request.request_identifier
        try:
            yield request
        finally:
            del self._under_way[trace]

    def _require_passage(self, request: Request) -> None:
        if _trace(request) in self._under_way:
            raise TargetNotReachable(
                f"{request.to[:200]} can't be reached: this request is on its way through here already, so it has gone"
                " round in a circle, or another one has the same X-M2M-RI"
            )
        if len(self._under_way) >= self._core.settings.max_forwarded:
            raise OperationNotAllowed("too many requests are being forwarded (max_forwarded): try again later")

    def _outgoing(self, request: Request, accepted: float) -> Request:
        """As the next CSE gets it: a blocking request, in which nothing is relative to where or when it came in.

        It is this CSE that waits for operationExecutionTime, and keeps the result of a non-blocking request.
        """
        if request.originator in UNNAMED:
            raise BadRequest("X-M2M-Origin is missing: an AE registers with the CSE that it sends its requests to")
        neighbour = self._core.model.neighbour
        if request.operation is Operation.CREATE and neighbour and request.resource_type == neighbour.number:
            raise BadRequest("a CSE registers with another one directly: send the request there")
        naming = self._core.model.naming
        times = times_of(request, accepted)
        to = naming.originator(request.to)
        return request.derive(
            to=to,
            originator=naming.elsewhere(request.originator, other_provider=to.startswith("//")),
            response_type=ResponseType.BLOCKING,
            notification_uris=None,
            execution_time=None,
            request_expiration=_absolute(times.request_expiration),
            result_expiration=_absolute(times.result_expiration),
        )


def _trace(request: Request) -> Trace:
    return request.originator, request.request_identifier, request.operation, request.to


def _way(work: Work, request: Request) -> tuple[Host, str]:
    """The host, and the CSE-ID of the neighbour on the way to it, whose answer counts as well; NotFound without one."""
    neighbour, host = carrier(work, request.to), remote_host(work, request.to)
    if neighbour is None or host is None:
        other = work.model.naming.other_cse(request.to)
        raise NotFound(
            f"there is no way to {request.to[:200]}: neither {str(other)[:200]} nor a registrar is known here"
        )
    return host, neighbour.creator


def _absolute(moment: float | None) -> str | None:
    return None if moment is None else exact_timestamp(moment)


def _deadline(request: Request) -> float:
    return math.inf if request.request_expiration is None else parse_timestamp(request.request_expiration)
