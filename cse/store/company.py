"""The processes that serve one store together. One of them at a time, the conductor, does what only one can do."""

import secrets
from abc import ABC, abstractmethod
from asyncio import Event
from typing import Any, NamedTuple, Protocol

CONDUCTOR = "conductor"  # a recipient: whoever conducts when the message is read
EVERYBODY = "*"  # a recipient: all processes but the sender


class Message(NamedTuple):
    """Something that one process tells another; kind and document are their business."""

    sender: str
    kind: str
    document: dict[str, Any]


class Colleague(Protocol):
    """What a company tells the process that has joined it, in its event loop."""

    def received(self, message: Message) -> None:
        """Another process has posted this. Messages of one sender come in order."""

    def woken(self, topic: str) -> None:
        """Another process has woken everybody for this."""

    def departed(self, process: str) -> None:
        """A process has ended, however it ended. What it had claimed is free; everybody hears of it."""


class Company(ABC):
    """Messages and wake-ups may get lost with their sender or recipient: what must not be lost is in the tables.

    `process` is the identifier of this process, which no other has or has had.
    """

    process: str

    @property
    @abstractmethod
    def is_shared(self) -> bool:
        """Whether there can be other processes."""

    @property
    @abstractmethod
    def conducts(self) -> bool:
        """Whether this process is the conductor."""

    @abstractmethod
    async def processes(self) -> frozenset[str]:
        """All that are alive, this one included."""

    @abstractmethod
    async def join(self, colleague: Colleague) -> None:
        """Take part from now on."""

    @abstractmethod
    async def conduct(self) -> None:
        """Return as soon as this process is the conductor, which it then is until it leaves or is `lost`."""

    @abstractmethod
    async def lost(self) -> None:
        """Return when this process has lost its place: others have taken over what it had. It has to end itself."""

    @abstractmethod
    async def post(self, recipient: str, kind: str, document: dict[str, Any]) -> None:
        """Send a message to a process, to the CONDUCTOR, or to EVERYBODY else.

        One to the CONDUCTOR waits while there is none; it may be this process.
        """

    @abstractmethod
    def wake(self, topic: str) -> None:
        """Wake all other processes soon; the same topic several times at once counts once."""

    @abstractmethod
    async def leave(self) -> None:
        """End membership; what this process had is free at once."""


class Alone(Company):
    """The only process that serves its store."""

    def __init__(self) -> None:
        self.process = secrets.token_hex(4)

    is_shared = False
    conducts = True

    async def processes(self) -> frozenset[str]:
        return frozenset({self.process})

    async def join(self, colleague: Colleague) -> None:
        """There is nobody to hear from."""

    async def conduct(self) -> None:
        """Always."""

    async def lost(self) -> None:
        await Event().wait()

    async def post(self, recipient: str, kind: str, document: dict[str, Any]) -> None:
        """There is nobody to read it."""

    def wake(self, topic: str) -> None:
        """Nobody sleeps."""

    async def leave(self) -> None:
        """There is nothing to leave."""
