"""Which devices listen on which multicast address, and the record of it that survives a restart."""

import asyncio
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from hashlib import blake2s
from ipaddress import IPv4Address, IPv4Network
from typing import Any, NamedTuple

from tinydb import TinyDB, where
from tinydb.table import Table

from cse.errors import InternalServerError
from plugins.udp_multicast.settings import UdpMulticastSettings
from plugins.udp_multicast.target import Endpoint


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

    def differences(self, wanted: Mapping[str, Endpoint]) -> dict[str, Member]:
        """Who is still to be told, to join or to leave, for these to be the members."""
        invitations = {
            device: Member(endpoint, State.INVITED)
            for device, endpoint in wanted.items()
            if not self.joined(device, endpoint)
        }
        farewells = {device: member for device, member in self.members.items() if member.state is State.LEAVING}
        return farewells | invitations

    def renew(self) -> None:
        """Leave everybody behind and start anew."""
        self.generation += 1
        self.members.clear()

    def document(self) -> dict[str, Any]:
        """The session as JSON values."""
        members = {device: [str(member.endpoint), str(member.state)] for device, member in self.members.items()}
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
        self._table: Table = documents.table("sessions")
        self._settings = settings
        self._writing = asyncio.Lock()
        stored = (Session.from_document(dict(document)) for document in self._table)
        self._by_group = {session.group: session for session in stored}

    def __iter__(self) -> Iterator[Session]:
        return iter(self._by_group.values())

    def get(self, group: str) -> Session | None:
        return self._by_group.get(group)

    def open(self, group: str, members: int) -> Session:
        """The session of a group, made if need be, with an answer window for at least so many members."""
        window = self._settings.window(_room(members))
        session = self._by_group.get(group)
        if session is None:
            session = self._by_group[group] = Session(group, self._free_address(group), window)
        elif session.window < self._settings.window(members):
            # Everybody must hear of the longer window, so everybody is set up again.
            session.window = window
            session.renew()
        return session

    async def save(self, session: Session) -> None:
        """Write one session. The file is written as a whole, so a batch of changes is saved once."""
        await self._write(partial(self._table.upsert, session.document(), where("group") == session.group))

    async def forget(self, session: Session) -> None:
        """Drop a session; its address may be used again."""
        self._by_group.pop(session.group, None)
        await self._write(partial(self._table.remove, where("group") == session.group))

    async def written(self) -> None:
        """Return when nothing is being written any longer."""
        async with self._writing:
            return

    async def _write(self, change: Callable[[], object]) -> None:
        # A cancelled set-up must not leave a thread that writes beside the next one.
        await asyncio.shield(self._write_in_turn(change))

    async def _write_in_turn(self, change: Callable[[], object]) -> None:
        async with self._writing:
            await asyncio.to_thread(change)

    def _free_address(self, group: str) -> Endpoint:
        """The address that belongs to the group's name, or the next one that no other group has."""
        network = IPv4Network(self._settings.group_addresses)
        used = {session.address.ip for session in self}
        first = int.from_bytes(blake2s(group.encode(), digest_size=8).digest())
        for step in range(network.num_addresses):
            ip = str(IPv4Address(int(network.network_address) + (first + step) % network.num_addresses))
            if ip not in used:
                return Endpoint(ip, self._settings.group_port)
        raise InternalServerError(
            f"all {network.num_addresses} addresses of group_addresses in [{self._settings.section}] are in use"
        )


def _room(members: int) -> int:
    """The next power of two, so that a growing group is seldom told a new window."""
    return 1 << max(0, members - 1).bit_length()
