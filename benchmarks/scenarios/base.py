"""What scenarios have in common: where they measure, with which sizes, and the reference beside them."""

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from benchmarks import servers
from benchmarks.driver import load
from benchmarks.figures import Measured, Row
from benchmarks.filling import fill, meters
from benchmarks.load import Requests
from benchmarks.subject import INSTANCE, READING, Subject

USUAL, MANY = 16, 64  # connections
REFERENCE_SHARE = 0.5  # of the seconds of a figure
Part = Callable[[], Awaitable[dict[Row, Measured]]]


class Size(NamedTuple):
    """How much is measured.

    `seconds` per figure of requests, `members` of groups (and resources that a discovery looks through), `large` for
    what is about very many, `repetitions` of everything; `growth` are the resources in the stores of that scenario.
    """

    seconds: float
    members: int
    large: int
    repetitions: int
    growth: Sequence[int]


@dataclass
class Bench:
    """Starts what scenarios need when they first ask for it; `other` is a CSE to be measured instead of ours.

    `stack` stops it in the end. `store` is a store URL, "" for the default, SQLite in a file.
    """

    size: Size
    folder: Path
    stack: AsyncExitStack
    other: Subject | None = None
    store: str = ""
    _subject: Subject | None = None
    _meters: Path | None = None

    async def start(self) -> None:
        self.reference = await self.stack.enter_async_context(servers.reference())
        self.group_port = servers.free_port()

    async def subject(self) -> Subject:
        """The CSE that most scenarios share, with the application in it."""
        if self._subject is None:
            self._subject = self.other or await self.server(self.stack, self.new_folder())
            await self._subject.register()
        return self._subject

    async def server(self, stack: AsyncExitStack, folder: Path) -> Subject:
        """A server of ours with its data there."""
        settings = (
            f"udp-multicast.group_port={self.group_port}",
            # So that the window of 10,000 meters is the shortest, a second.
            f"udp-multicast.answers_per_second={self.size.members}",
            f"udp-multicast.answer_bytes_per_second={1000 * self.size.members}",
        )
        program = await stack.enter_async_context(servers.cse(folder, *settings, store=self.store))
        return Subject(program.address, process=program.process)

    async def many_meters(self) -> Path:
        """The folder of a server with very many AEs."""
        if self._meters is None:
            folder = self.new_folder()
            await fill(folder, meters(self.size.large))
            self._meters = folder
        return self._meters

    def new_folder(self) -> Path:
        """An empty one."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    async def compare(self, connections: int) -> Measured:
        """Requests per second that the reference answers now."""
        return await self.bare(self.reference, connections)

    async def bare(self, program: servers.Program, connections: int) -> Measured:
        """Requests per second to an empty endpoint, which gets what a CREATE of a contentInstance is."""
        subject = Subject(program.address, process=program.process)
        seconds = self.size.seconds * REFERENCE_SHARE
        return await self.load(subject, [subject.creation("/", INSTANCE, READING)], connections, seconds)

    async def load(
        self, subject: Subject, requests: Sequence[Requests], connections: int = USUAL, seconds: float | None = None
    ) -> Measured:
        """Requests per second to a CSE."""
        found = await load(subject.address, requests, connections, seconds or self.size.seconds, subject.process)
        return Measured(found.rate, found.p50, found.p99, found.server, found.driver)


class Scenario(ABC):
    """Something that is measured several times. `portable` ones need nothing but oneM2M."""

    portable: ClassVar[bool] = False
    connections: ClassVar[int] = USUAL

    def __init__(self, bench: Bench) -> None:
        self.bench, self.size = bench, bench.size

    @abstractmethod
    async def prepare(self, stack: AsyncExitStack) -> None:
        """Make what the measurement needs; the stack ends what must be ended."""

    @abstractmethod
    def parts(self) -> Sequence[Part]:
        """What a repetition consists of, each part with the reference right before."""


class AtOnce(Scenario):
    """One that has no parts."""

    def parts(self) -> Sequence[Part]:
        return [self.measure]

    @abstractmethod
    async def measure(self) -> dict[Row, Measured]:
        """Measure once."""
