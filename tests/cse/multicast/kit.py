"""Set-ups of a group host; the other CSEs are simulated by what they answer."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from cse.multicast.addresses import free_address
from cse.multicast.bearer import Bearer
from cse.multicast.inviter import Inviter, ListenerType
from cse.multicast.records import Record, Records, Wanted
from cse.multicast.settings import MulticastSettings
from cse.multicast.setup import SetUps
from cse.primitive import CREATED, DELETED, UPDATED, Operation, Request, Response
from cse.testing.clock import ManualClock
from cse.testing.engine import RecordingEngine

GROUP = "grp1"
SILENCE, REFUSAL = 5103, 5216
ONE: Wanted = {"/id-a": ("/id-a/x",)}
TWO: Wanted = {**ONE, "/id-b": ("/id-b/x", "/id-b/y")}
THREE: Wanted = {**TWO, "/id-c": ("/id-c/x",)}


@dataclass(frozen=True)
class Settings(MulticastSettings):
    section: ClassVar[str] = "test"


class Others:
    """Other CSEs: `groups` are their local multicast groups; who is in `trouble` answers with that code instead."""

    def __init__(self) -> None:
        self.groups: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.trouble: dict[str, int] = {}
        self.log: list[tuple[str, str]] = []

    def respond(self, request: Request) -> Response:
        _, name, _, *rest = request.to.split("/")
        cse = f"/{name}"
        self.log.append((request.operation.name, cse))
        if cse in self.trouble:
            return Response(self.trouble[cse])
        groups = self.groups[cse]
        if request.operation is Operation.CREATE:
            content = request.content["m2m:lmg"]
            if content["rn"] in groups:
                return Response(4105)
            groups[content["rn"]] = content
            return Response(CREATED)
        if rest[0] not in groups:
            return Response(4004)
        if request.operation is Operation.DELETE:
            del groups[rest[0]]
            return Response(DELETED)
        groups[rest[0]] |= request.content["m2m:lmg"]
        return Response(UPDATED)

    @property
    def listening(self) -> dict[str, tuple[str, ...]]:
        return {cse: tuple(group["mli"]) for cse, groups in self.groups.items() for group in groups.values()}


@dataclass
class Scene:
    """The set-ups of a group host, with a clock that stands still between rounds."""

    others: Others
    engine: RecordingEngine
    clock: ManualClock
    settings: MulticastSettings
    bearer: Bearer = field(default_factory=Bearer)
    set_ups: SetUps = field(init=False)
    records: Records = field(init=False)
    inviter: Inviter = field(init=False)

    def __post_init__(self) -> None:
        documents = self.engine.documents("test")
        self.records = Records(documents, lambda group: free_address(self.settings, group, set()))
        self.inviter = Inviter(self.engine, ListenerType(45, "m2m:lmg"), self.bearer)
        self.set_ups = SetUps(self.records, self.inviter, self.settings, self.clock)

    async def change(self, wanted: Wanted) -> None:
        self.others.log.clear()
        self.set_ups.change(GROUP, wanted)
        await self.set_ups.settled()

    async def later(self, seconds: float) -> None:
        self.others.log.clear()
        await self.clock.advance(seconds)
        await self.set_ups.settled()

    async def restart(self) -> None:
        await self.set_ups.stop()
        self.__post_init__()

    @property
    def record(self) -> Record:
        record = self.records.get(GROUP)
        assert record is not None
        return record

    @property
    def joined(self) -> dict[str, tuple[str, ...]]:
        found = {cse: self.record.joined(cse) for cse in self.record.listening()}
        return {cse: members for cse, members in found.items() if members}


@asynccontextmanager
async def scene(bearer: Bearer | None = None, **settings: Any) -> AsyncIterator[Scene]:
    others, clock = Others(), ManualClock()
    values = {"setup_pause": 5.0, "renewal": 1000.0} | settings
    one = Scene(others, RecordingEngine(clock, respond=others.respond), clock, Settings(**values), bearer or Bearer())
    yield one
    await one.set_ups.stop()
