"""Which groups are reached by multicast at which CSEs (Multicast Group Information, TS-0001 clause 10.2.7.13)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2s
from typing import Any, NamedTuple

from tinydb import TinyDB

from cse.coap.target import Endpoint
from cse.multicast.journal import Journal

Wanted = Mapping[str, tuple[str, ...]]  # by CSE-ID, the members that the CSE hosts
Key = tuple[str, str]  # group and externalGroupID, "" where that does not matter
Place = tuple[str, str]  # CSE-ID and segment of the fan-out target, which is the name of the resource there, too


class Listener(NamedTuple):
    """A <localMulticastGroup> as far as we know. If it is not `sure`, it may be there or not, with these members."""

    members: tuple[str, ...]
    sure: bool


@dataclass(slots=True)
class Record:
    """One group's multicast address, and every <localMulticastGroup> that there may be for it.

    A new `generation` has a new segment: requests to it are ignored by all who were told an older one. In a mobile
    network `external_group` is the externalGroupID that the CSEs share, and `tmgi` is good until `expiration`, in
    seconds since 1970.
    """

    group: str
    address: Endpoint
    window: float
    generation: int = 0
    listeners: dict[Place, Listener] = field(default_factory=dict)
    external_group: str = ""
    tmgi: str = ""
    expiration: float = 0.0

    @property
    def key(self) -> Key:
        return self.group, self.external_group

    @property
    def segment(self) -> str:
        """The last part of the present fan-out target, unlike that of any device of the group."""
        return "c" + blake2s(f"{self.group}/{self.external_group}{self.generation}".encode(), digest_size=5).hexdigest()

    def listening(self) -> dict[str, Listener]:
        """Who hears, or may hear, requests to the present fan-out target, by CSE-ID."""
        return {cse: listener for (cse, segment), listener in self.listeners.items() if segment == self.segment}

    def joined(self, cse: str) -> tuple[str, ...]:
        """The members behind a CSE that listens for sure."""
        listener = self.listeners.get((cse, self.segment))
        return listener.members if listener and listener.sure else ()

    def doubt(self) -> None:
        """Whoever listens has to be told something new: from now on nobody listens for sure."""
        for place, listener in self.listeners.items():
            self.listeners[place] = listener._replace(sure=False)

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
            "external_group": self.external_group,
            "tmgi": self.tmgi,
            "expiration": self.expiration,
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
        names = ("group", "window", "generation", "external_group", "tmgi", "expiration")
        return cls(address=address, listeners=listeners, **{name: document[name] for name in names})


class Records:
    """All records. `allocate` finds an address for a name that has none, among those in use."""

    def __init__(self, documents: TinyDB, allocate: Callable[[str], Endpoint]) -> None:
        self._journal = Journal(documents.table("groups"), ("group", "external_group"))
        self._allocate = allocate
        stored = map(Record.from_document, self._journal)
        self._by_key = {record.key: record for record in stored}

    def __iter__(self) -> Iterator[Record]:
        return iter(self._by_key.values())

    def get(self, group: str, external_group: str = "") -> Record | None:
        return self._by_key.get((group, external_group))

    def open(self, key: Key, window: float) -> Record:
        """The record of this key, made if need be."""
        record = self._by_key.get(key)
        if record is None:
            group, external_group = key
            address = self._allocate(group + external_group)
            record = self._by_key[key] = Record(group, address, window, external_group=external_group)
        return record

    async def save(self, record: Record) -> None:
        """Write one record."""
        await self._journal.save(record.document())

    async def forget(self, record: Record) -> None:
        """Drop a record; its address may be used again."""
        self._by_key.pop(record.key, None)
        await self._journal.forget(*record.key)

    async def written(self) -> None:
        """Return when nothing is being written any longer."""
        await self._journal.written()
