"""Which groups are reached by multicast at which CSEs (Multicast Group Information, TS-0001 clause 10.2.7.13)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2s
from typing import Any, NamedTuple

from tinydb import TinyDB

from plugins.udp_multicast.journal import Journal
from plugins.udp_multicast.target import Endpoint

Wanted = Mapping[str, tuple[str, ...]]  # by CSE-ID, the members that the CSE hosts
Place = tuple[str, str]  # CSE-ID and segment of the fan-out target, which is the name of the resource there, too


class Listener(NamedTuple):
    """A <localMulticastGroup> as far as we know. If it is not `sure`, it may be there or not, with these members."""

    members: tuple[str, ...]
    sure: bool


@dataclass(slots=True)
class Record:
    """One group's multicast address, and every <localMulticastGroup> that there may be for it.

    A new `generation` has a new segment: requests to it are ignored by all who were told an older one.
    """

    group: str
    address: Endpoint
    window: float
    generation: int = 0
    listeners: dict[Place, Listener] = field(default_factory=dict)

    @property
    def segment(self) -> str:
        """The last part of the present fan-out target, unlike that of any device of the group."""
        return "c" + blake2s(f"{self.group}/{self.generation}".encode(), digest_size=5).hexdigest()

    def listening(self) -> dict[str, Listener]:
        """Who hears, or may hear, requests to the present fan-out target, by CSE-ID."""
        return {cse: listener for (cse, segment), listener in self.listeners.items() if segment == self.segment}

    def joined(self, cse: str) -> tuple[str, ...]:
        """The members behind a CSE that listens for sure."""
        listener = self.listeners.get((cse, self.segment))
        return listener.members if listener and listener.sure else ()

    def to_be_told(self, wanted: Wanted) -> list[str]:
        """The CSEs that do not listen yet, or not for the right members."""
        return [cse for cse, members in wanted.items() if self.joined(cse) != members]

    def to_be_left(self, wanted: Wanted) -> list[Place]:
        """What is to be deleted."""
        return [(cse, segment) for cse, segment in self.listeners if segment != self.segment or cse not in wanted]

    def document(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "group": self.group,
            "address": str(self.address),
            "window": self.window,
            "generation": self.generation,
            "listeners": [[*place, list(members), sure] for place, (members, sure) in self.listeners.items()],
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Record":
        listeners = {
            (cse, segment): Listener(tuple(members), sure) for cse, segment, members, sure in document["listeners"]
        }
        address = Endpoint.parse(document["address"])
        return cls(document["group"], address, document["window"], document["generation"], listeners)


class Records:
    """All records, by group. `allocate` finds an address for a group that has none, among those in use."""

    def __init__(self, documents: TinyDB, allocate: Callable[[str], Endpoint]) -> None:
        self._journal = Journal(documents.table("groups"))
        self._allocate = allocate
        stored = map(Record.from_document, self._journal)
        self._by_group = {record.group: record for record in stored}

    def __iter__(self) -> Iterator[Record]:
        return iter(self._by_group.values())

    def get(self, group: str) -> Record | None:
        return self._by_group.get(group)

    def open(self, group: str, window: float) -> Record:
        """The record of a group, made if need be."""
        record = self._by_group.get(group)
        if record is None:
            record = self._by_group[group] = Record(group, self._allocate(group), window)
        return record

    async def save(self, record: Record) -> None:
        """Write one record."""
        await self._journal.save(record.document())

    async def forget(self, record: Record) -> None:
        """Drop a record; its address may be used again."""
        self._by_group.pop(record.group, None)
        await self._journal.forget(record.group)

    async def written(self) -> None:
        """Return when nothing is being written any longer."""
        await self._journal.written()
