"""What a request says about time, as moments (TS-0001 clause 8.1.2): when to begin, until when it counts, how long."""

from dataclasses import dataclass

from cse.errors import BadRequest, RequestTimeout
from cse.primitive import Request
from cse.timing import parse_moment


@dataclass(frozen=True, slots=True)
class Times:
    """In seconds since 1970, None for what the request does not name. Relative times count from `accepted`.

    `execution` is operationExecutionTime, or the moment of acceptance when that is later.
    """

    accepted: float
    execution: float
    request_expiration: float | None
    result_expiration: float | None

    @property
    def waits(self) -> bool:
        """Whether the request is not to be carried out yet when it comes in."""
        return self.execution > self.accepted


def times_of(request: Request, accepted: float) -> Times:
    """RequestTimeout for an expiration in the past, BadRequest for times that exclude each other."""
    expiration = _moment(request.request_expiration, accepted, "X-M2M-RET")
    result = _moment(request.result_expiration, accepted, "X-M2M-RST")
    wanted = _moment(request.execution_time, accepted, "X-M2M-OET")
    times = Times(accepted, max(accepted, accepted if wanted is None else wanted), expiration, result)
    for name, moment in (("X-M2M-RET", expiration), ("X-M2M-RST", result)):
        if moment is not None and moment <= accepted:
            raise RequestTimeout(f"{name} lies in the past: the request has expired")
        if moment is not None and moment < times.execution:
            raise BadRequest(f"X-M2M-OET must not lie after {name}: give an earlier operationExecutionTime")
    if result is not None and result < (expiration or accepted):
        raise BadRequest("X-M2M-RST must lie after X-M2M-RET: give a later resultExpirationTimestamp")
    return times


def _moment(text: str | None, now: float, name: str) -> float | None:
    return None if text is None else parse_moment(text, now, name)
