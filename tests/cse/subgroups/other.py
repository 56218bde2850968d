"""Another CSE as sub-groups meet it: it answers as it is told, and what it was asked is remembered."""

from collections.abc import Callable, Iterator
from typing import Any

from tinydb import TinyDB
from tinydb.storages import MemoryStorage

from cse import registry
from cse.config import Settings
from cse.core import Core
from cse.network import Delivery, Discard, Host, Way
from cse.primitive import CREATED, DELETED, OK, UPDATED, Operation, Request, Response
from cse.protection import Protection
from cse.store.opening import open_store
from cse.subgroups.builder import Builder
from cse.subgroups.network import SubGroups
from cse.testing.clock import ManualClock
from cse.timing import Clock

CODES = {Operation.CREATE: CREATED, Operation.UPDATE: UPDATED, Operation.DELETE: DELETED, Operation.RETRIEVE: OK}
MEMBERS = ["/id-mn/cse-mn/a", "/id-mn/cse-mn/b", "/id-mn/cse-mn/c"]

Answers = Callable[[Request], Response | None]


class Other:
    """The CSE `/id-mn`, as an Engine hands it requests. `answers` may return something else than the usual."""

    cse_id = "/id-in"

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.answered: list[tuple[str, str, Response, str]] = []
        self.answers: Answers = lambda request: None
        self.manual_clock = ManualClock()
        self.clock: Clock = self.manual_clock
        self.protection = Protection(self.cse_id)
        self._documents = TinyDB(storage=MemoryStorage)
        self._identifiers = (f"r{number}" for number in range(1000))

    async def request(self, request: Request) -> Response:
        self.asked.append(request)
        return self.answers(request) or self._usual(request)

    def documents(self, name: str) -> TinyDB:
        return self._documents

    def answer(self, request_identifier: str, originator: str, response: Response, network: str) -> None:
        self.answered.append((request_identifier, originator, response, network))

    def discard(self, request_identifier: str, reason: Discard, count: int = 1) -> None:
        raise AssertionError("nothing is discarded")

    def allows(self, address: str) -> bool:
        return True

    @property
    def operations(self) -> list[tuple[str, str]]:
        """What was asked so far, which is then forgotten."""
        asked, self.asked = self.asked, []
        return [(request.operation.name, request.to) for request in asked]

    def _usual(self, request: Request) -> Response:
        content: Any = None
        if request.operation is Operation.CREATE:
            content = {next(iter(request.content)): {"ri": next(self._identifiers)}}
        elif "/fopt" in request.to:
            content = aggregate(*(request.group_target_members or MEMBERS))
        return Response(CODES.get(request.operation, OK), content)


def aggregate(*members: str, status_code: int = OK) -> Any:
    return {"m2m:agr": {"m2m:rsp": [{"rsc": status_code, "fr": member} for member in members]}}


def refusing(status_code: int, *operations: Operation, of: str = "") -> Answers:
    """Everything that is one of these operations, and goes to an address with this in it, is refused."""
    wanted = operations or tuple(Operation)
    return lambda request: Response(status_code) if request.operation in wanted and of in request.to else None


def core(other: Other, **settings: Any) -> Core:
    manager = registry.load_plugins()
    values = Settings({"server": {"store": "memory:", "sub_group_members": 2} | settings})
    return Core(registry.model(manager, values.server), open_store("memory:"), other.clock, {})


def types(of: Core) -> Iterator[Any]:
    yield of.model
    yield of.model.collective
    yield of.model.admission


def builder(other: Other) -> Builder:
    return Builder(other, *types(core(other)))


async def network(other: Other, **settings: Any) -> SubGroups:
    found = core(other, **settings)
    _, collective, admission = types(found)
    started = SubGroups(found, collective, admission)
    await started.start(other)
    return started


def hosts(*members: str, tail: str = "") -> list[Host]:
    return [Host(member + tail, ("http://x",), cse="/id-mn", member=member) for member in members]


async def delivery(
    of: SubGroups, request: Request, targets: list[Host], *, permitted: list[Host] | None = None, attempt: int = 1
) -> Delivery:
    """As the engine would make it of the only offer."""
    reaches = await of.offers(permitted or targets, request, "grp1")
    (way,) = {way for reach in reaches for way in reach}
    assert isinstance(way, Way)
    return Delivery(request, way.offer, way.address, targets, "grp1", attempt, 1.0, 2e9)
