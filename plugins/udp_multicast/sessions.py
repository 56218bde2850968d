"""Which devices listen on which multicast address, and the record of it that survives a restart."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2s
from typing import Any, NamedTuple

from tinydb import TinyDB

from cse.coap.target import Endpoint
from cse.multicast.addresses import free_address, room
from cse.multicast.journal import Journal
from cse.slices import in_slices
from plugins.udp_multicast.settings import UdpMulticastSettings


class State(StrEnum):
    """What we know of a member. Whatever its state, it may be listening."""

    INVITED = "invited"
    JOINED = "joined"
    LEAVING = "leaving"


class Member(NamedTuple):
    """A device of a session and where it was set up."""

    endpoint: Endpoint
    state: State


@dataclass(slots=True)
class Session:
    """One group's multicast address and everybody who may hear what is sent there for the group's segment.

    A new `generation` has a new segment: requests to it are ignored by all who were told an older one.
    """

    group: str
    address: Endpoint
    window: float
    generation: int = 0
    members: dict[str, Member] = field(default_factory=dict)

    @property
    def segment(self) -> str:
        """The last part of the group's fan-out target (multicastGroupFanoutTarget)."""
        return "g" + blake2s(f"{self.group}/{self.generation}".encode(), digest_size=5).hexdigest()

    def joined(self, device: str, endpoint: Endpoint) -> bool:
        """Whether the device has acknowledged that it listens, and still lives where it did then."""
        return self.members.get(device) == (endpoint, State.JOINED)

    def count(self, state: State) -> int:
        return sum(member.state is state for member in self.members.values())

    def dismiss(self, wanted: Container[str]) -> None:
        """All others are to leave."""
        for device, member in self.members.items():
            if device not in wanted:
                self.members[device] = member._replace(state=State.LEAVING)

    def wanted(self) -> dict[str, Endpoint]:
        """The members that are not to leave."""
        return {device: member.endpoint for device, member in self.members.items() if member.state is not State.LEAVING}

    async def differences(self, wanted: Mapping[str, Endpoint]) -> dict[str, Member]:
        """Who is still to be told, to join or to leave, for these to be the members."""
        steps = {device: member for device, member in self.members.items() if member.state is State.LEAVING}
        async for device, endpoint in in_slices(wanted.items()):
            if not self.joined(device, endpoint):
                steps[device] = Member(endpoint, State.INVITED)
        return steps

    def renew(self) -> None:
        """Leave everybody behind and start anew."""
        self.generation += 1
        self.members.clear()

    async def document(self) -> dict[str, Any]:
        """The session as JSON values."""
        present = list(self.members.items())
        members = {device: [str(member.endpoint), str(member.state)] async for device, member in in_slices(present)}
        return {
            "group": self.group,
            "address": str(self.address),
            "window": self.window,
            "generation": self.generation,
            "members": members,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Session":
        members = {
            device: Member(Endpoint.parse(endpoint), State(state))
            for device, (endpoint, state) in document["members"].items()
        }
        address = Endpoint.parse(document["address"])
        return cls(document["group"], address, document["window"], document["generation"], members)


class Sessions:
    """All sessions, by group."""

    def __init__(self, documents: TinyDB, settings: UdpMulticastSettings) -> None:
        self._journal = Journal(documents.table("sessions"))
        self._settings = settings
        stored = map(Session.from_document, self._journal)
        self._by_group = {session.group: session for session in stored}

    def __iter__(self) -> Iterator[Session]:
        return iter(self._by_group.values())

    @property
    def addresses(self) -> set[str]:
        """Those in use."""
        return {session.address.ip for session in self}

    def get(self, group: str) -> Session | None:
        return self._by_group.get(group)

    def open(self, group: str, members: int) -> Session:
        """The session of a group, made if need be, with an answer window for at least so many members."""
        window = self._settings.window(room(members))
        session = self._by_group.get(group)
        if session is None:
            session = self._by_group[group] = Session(
                group, free_address(self._settings, group, self.addresses), window
            )
        elif session.window < self._settings.window(members):
            # Everybody must hear of the longer window, so everybody is set up again.
            session.window = window
            session.renew()
        return session

    async def save(self, session: Session) -> None:
        """Write one session."""
        await self._journal.save(await session.document())

    async def forget(self, session: Session) -> None:
        """Drop a session; its address may be used again."""
        self._by_group.pop(session.group, None)
        await self._journal.forget(session.group)

    async def written(self) -> None:
        """Return when nothing is being written any longer."""
        await self._journal.written()
