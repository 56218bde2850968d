"""What a simulated meter does with a request, on whatever medium it came. Networks add only their medium.

The rules are those that real devices must keep: a repeated request is answered from memory and not carried out again;
one older than the newest carried out is ignored, and so is one for somebody else or that excludes the device.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from cse.errors import BadRequest
from cse.primitive import OK, Content, Response, error_response
from cse.protection import Refusal
from cse.windows import next_opening

REMEMBERED_ANSWERS = 64
MANAGED = "dcfg:datc"
WANTED = (
    "content must be m2m:sgn/nev/rep with m2m:cin/con, an interval in seconds in it, or with dcfg:datc, meil or rpsc in"
    " it"
)


@dataclass(slots=True)
class Faults:
    """How a device misbehaves. Probabilities are of a single request or answer; the sequence is fixed by the seed.

    A deaf device hears nothing. `duplicates` is how many extra copies of an answer it sends, `lies` how often it
    states another device's name, `rubbish` how often its answer cannot be decoded.
    """

    deaf: bool = False
    request_loss: float = 0.0
    answer_loss: float = 0.0
    duplicates: int = 0
    lies: float = 0.0
    rubbish: float = 0.0


@dataclass(slots=True)
class SimulatedDevice:
    """One meter: `interval` is its reporting interval in seconds, `executions` how many requests it has carried out.

    `configured` is called with the new interval whenever a request has changed it. `refused` counts the requests that
    were ignored because of what protects them.
    """

    id: str
    interval: float = 3600.0
    faults: Faults = field(default_factory=Faults)
    seed: int = 0
    configured: Callable[[float], None] = lambda interval: None
    executions: int = 0
    refused: Counter[Refusal] = field(default_factory=Counter)
    _newest: str = ""
    _answers: OrderedDict[str, Response] = field(default_factory=OrderedDict)
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(f"{self.seed}/{self.id}")  # noqa: S311 - a simulation

    def hears(self) -> bool:
        """Whether this transmission reaches the device."""
        return not self.faults.deaf and self.random.random() >= self.faults.request_loss

    def sends(self) -> bool:
        """Whether this answer reaches the server."""
        return self.random.random() >= self.faults.answer_loss

    def receive(self, request_identifier: str, originating_timestamp: str, content: Content) -> Response | None:
        """The answer to a request that the device heard, or None where it must stay silent."""
        known = self._answers.get(request_identifier)
        if known is not None:
            return known
        if originating_timestamp < self._newest:
            return None
        answer = self._carry_out(content)
        if answer.succeeded:
            self._newest = originating_timestamp
        self._answers[request_identifier] = answer
        if len(self._answers) > REMEMBERED_ANSWERS:
            self._answers.popitem(last=False)
        return answer

    def _carry_out(self, content: Content) -> Response:
        try:
            representation = content["m2m:sgn"]["nev"]["rep"]
            interval = _managed(representation) if MANAGED in representation else _instructed(representation)
        except (BadRequest, KeyError, TypeError, ValueError):
            return error_response(4000, WANTED)
        if not 1 <= interval <= 7 * 86400:
            return error_response(4000, "interval must lie between 1 second and 7 days")
        self.executions += 1
        self.interval = interval
        self.configured(interval)
        return Response(OK, {"m2m:cin": {"con": orjson.dumps({"interval": interval}).decode()}})


def _instructed(representation: Any) -> float:
    """The interval in an instruction of the head-end's own."""
    return float(orjson.loads(representation["m2m:cin"]["con"])["interval"])


def _managed(representation: Any) -> float:
    """The interval in an UPDATE of the meter's dataCollection: its measurementInterval, or that of its schedule."""
    collection = representation[MANAGED]
    if "meil" in collection:
        return float(collection["meil"])
    entries = [entry for schedule in collection["rpsc"] for entry in schedule["sce"]]
    first = next_opening(entries, 0.0) or 0.0
    return (next_opening(entries, first + 1) or 0.0) - first
