"""Where everything durable lives, behind one contract: a unit of work is a synchronous function of a transaction.

`await store.run(unit)` returns after the durable commit of what the unit did; a unit that raises leaves nothing behind
and raises here. A unit has no effects outside its transaction and may be run again. Units never overlap in a way that
one could see half of another.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Resource:
    """A node of the tree. `attributes` are the standard's, by short name, universal ones included (ty, ri, pi, rn, et).

    `path` is the structured address (`cse-in/city/meter7`); it never changes. `creator` is the originator of the
    CREATE, kept even where the type has no `cr` attribute, because the default access rule needs it. Attributes whose
    names begin with an underscore are the CSE's own; `_key` is a text that no sibling has, fixed at the creation.
    """

    path: str
    creator: str
    attributes: dict[str, Any]

    @property
    def ri(self) -> str:
        return str(self.attributes["ri"])

    @property
    def pi(self) -> str:
        return str(self.attributes["pi"])

    @property
    def ty(self) -> int:
        return int(self.attributes["ty"])


@dataclass(slots=True)
class Search:
    """What to look for below a path, by what engines index. Everything else is filtered by the caller."""

    root: str
    types: Sequence[int] = ()
    labels: Sequence[str] = ()
    levels: int | None = None


class Resources(ABC):
    """The tree."""

    @abstractmethod
    def get(self, ri: str) -> Resource | None:
        """By resource identifier."""

    @abstractmethod
    def find(self, path: str) -> Resource | None:
        """By structured address."""

    @abstractmethod
    def insert(self, resource: Resource) -> None:
        """Add; ri and path must be new, and `_key` among its siblings (Conflict if not)."""

    @abstractmethod
    def update(self, resource: Resource) -> None:
        """Replace the attributes of the resource with this ri."""

    @abstractmethod
    def remove(self, resource: Resource) -> None:
        """Remove it with all descendants, and with what lists, alarms and queues have for them."""

    @abstractmethod
    def has_child(self, ri: str, key: str) -> bool:
        """Whether a child of this resource has this `_key`."""

    @abstractmethod
    def children(self, ri: str, ty: int | None = None, *, newest_first: bool = False) -> Iterator[Resource]:
        """Direct children in the order of their creation."""

    @abstractmethod
    def search(self, search: Search) -> Iterator[Resource]:
        """Descendants of the root (without it) that fit, parents before their children."""

    @abstractmethod
    def governed_by(self, policies: Sequence[str]) -> Iterator[Resource]:
        """Resources that have one of these texts among their accessControlPolicyIDs (acpi)."""

    @abstractmethod
    def expired(self, now: str, limit: int) -> list[Resource]:
        """Resources whose expirationTime is `now` or earlier, earliest first; `now` has a fraction of six digits."""

    @abstractmethod
    def next_expiration(self) -> str | None:
        """The earliest expirationTime of all resources."""


class Lists(ABC):
    """Attributes that are long lists, one row per item: a group's members. An item may point at a resource (target)."""

    @abstractmethod
    def replace(self, ri: str, items: Iterable[tuple[str, str | None]]) -> None:
        """Make the list of this resource these (item, ri of its target or None), in this order."""

    @abstractmethod
    def items(self, ri: str, *, after: int = -1, limit: int | None = None) -> list[tuple[int, str, str | None]]:
        """(position, item, target) in order, from behind a position."""

    @abstractmethod
    def count(self, ri: str) -> int:
        """How many items."""

    @abstractmethod
    def drop_targets(self, path: str) -> list[str]:
        """Remove from every list the items whose target is the resource at this path or below; whose lists changed.

        Call it before the resources are removed. The result are identifiers of resources.
        """

    @abstractmethod
    def drop_items(self, items: Collection[str]) -> list[str]:
        """Remove these items from every list, as far as they have no target; whose lists changed."""

    @abstractmethod
    def holders(self, target: str | None) -> list[str]:
        """The identifiers of the resources that have an item with this target, or without any, in their list."""


class Row(NamedTuple):
    """One member of a campaign. `state` and `reason` are `cse.campaign`'s; `content` is the answer's, as JSON bytes.

    `member` is the identifier as it stands in `mid`, `target` the key of what it stands for, `host` the AE-ID that
    answers for it ("" for local operations); times are seconds since 1970.
    """

    position: int
    member: str
    target: str
    host: str
    state: str
    reason: str = ""
    status_code: int = 0
    content: bytes = b""
    network: str = ""
    attempts: int = 0
    answered_at: float = 0.0


@dataclass(slots=True)
class Campaign:
    """One fan-out. `id` is the request identifier on the wire; `request` the original primitive as JSON bytes.

    `sequence` rises with every campaign of this CSE. `document` holds plan, transmissions and counters.
    """

    id: str
    sequence: int
    group: str
    request: bytes
    request_resource: str
    created: float
    deadline: float
    state: str
    finished_at: float | None = None
    document: dict[str, Any] = field(default_factory=dict)


class Campaigns(ABC):
    """Fan-outs and their members."""

    @abstractmethod
    def add(self, campaign: Campaign, rows: Iterable[Row]) -> None:
        """Store a new campaign with all its members."""

    @abstractmethod
    def get(self, campaign_id: str) -> Campaign | None:
        """One campaign."""

    @abstractmethod
    def save(self, campaign: Campaign) -> None:
        """Store its changed fields (not its rows)."""

    @abstractmethod
    def remove(self, campaign_id: str) -> None:
        """Forget it with its rows."""

    @abstractmethod
    def all(self, *, state: str | None = None, limit: int | None = None) -> list[Campaign]:
        """Campaigns, newest first, all or those in a state."""

    @abstractmethod
    def last_sequence(self) -> int:
        """The highest sequence ever stored, 0 at first; it does not fall when campaigns are removed."""

    @abstractmethod
    def write(self, campaign_id: str, rows: Iterable[Row]) -> None:
        """Replace the rows at these positions."""

    @abstractmethod
    def rows(
        self,
        campaign_id: str,
        *,
        states: Sequence[str] = (),
        reasons: Sequence[str] = (),
        after: int = -1,
        limit: int | None = None,
    ) -> list[Row]:
        """Members in order of position, from behind a position, all or those in some states or with some reasons."""

    @abstractmethod
    def counts(self, campaign_id: str) -> dict[tuple[str, str, str], int]:
        """How many rows per (network, state, reason)."""

    @abstractmethod
    def status_codes(self, campaign_id: str, state: str) -> dict[int, int]:
        """How many rows in this state per response status code."""

    @abstractmethod
    def concern(self, target: str, state: str) -> bool:
        """Whether some row in this state has this target."""

    @abstractmethod
    def others(self, campaign_id: str, state: str) -> list[tuple[str, Row]]:
        """Rows of older campaigns in this state whose target is also one of this campaign: (campaign id, row)."""


class Effect(NamedTuple):
    """Something to do after the commit; kind and document are `cse.events`' business."""

    id: int
    kind: str
    document: dict[str, Any]


class Effects(ABC):
    """What has been decided and still has to be carried out outside."""

    @abstractmethod
    def add(self, kind: str, document: dict[str, Any]) -> int:
        """Remember to do this; its identifier, which is higher than any before."""

    @abstractmethod
    def pending(self, *, after: int = 0, limit: int = 100) -> list[Effect]:
        """Effects in the order of their identifiers, from behind one."""

    @abstractmethod
    def remove(self, ids: Iterable[int]) -> None:
        """They have been carried out."""


class Alarm(NamedTuple):
    """The resource `ri` is to be woken at `due` (seconds since 1970); `name` tells it what for."""

    ri: str
    name: str
    due: float


class Alarms(ABC):
    """When resources are to be woken. Each has one alarm of a name at most; alarms go with their resources."""

    @abstractmethod
    def set(self, ri: str, name: str, due: float) -> None:
        """Set an alarm; an earlier one of this name is forgotten. Call it by `Work.alarm`, which tells who waits."""

    @abstractmethod
    def get(self, ri: str, name: str) -> float | None:
        """When it is due, None if it is not set."""

    @abstractmethod
    def cancel(self, ri: str, name: str) -> None:
        """Forget an alarm, if there is one."""

    @abstractmethod
    def hasten(self, name: str, due: float) -> None:
        """No alarm of this name, of whatever resource, is due later than this. Call it by `Work.hasten`."""

    @abstractmethod
    def due(self, now: float, limit: int) -> list[Alarm]:
        """Alarms that are due, earliest first."""

    @abstractmethod
    def next(self) -> float | None:
        """When the next one is due, None if there is none."""


class Queued(NamedTuple):
    """Something that waits."""

    id: int
    document: Any


class Queues(ABC):
    """What waits in a resource, in order: notifications of a batch, for instance. Queues go with their resources."""

    @abstractmethod
    def append(self, ri: str, name: str, document: Any) -> None:
        """Add something at the end of a queue of this resource."""

    @abstractmethod
    def items(self, ri: str, name: str, limit: int | None = None) -> list[Queued]:
        """From the front, all or so many."""

    @abstractmethod
    def count(self, ri: str, name: str) -> int:
        """How many there are."""

    @abstractmethod
    def remove(self, ids: Iterable[int]) -> None:
        """Take these out."""

    @abstractmethod
    def clear(self, ri: str, name: str) -> None:
        """Take all of one queue out."""


class Transaction(ABC):
    """What a unit of work sees."""

    resources: Resources
    lists: Lists
    campaigns: Campaigns
    effects: Effects
    alarms: Alarms
    queues: Queues

    @abstractmethod
    def savepoint(self) -> AbstractContextManager[None]:
        """A part that is undone on its own when it raises; the exception passes through."""


Unit = Callable[[Transaction], T]


class Store(ABC):
    """One storage engine."""

    @abstractmethod
    async def open(self) -> None:
        """Get ready; create what is missing."""

    @abstractmethod
    async def run(self, unit: Unit[T]) -> T:
        """Run a unit and return its result after the durable commit."""

    @abstractmethod
    async def read(self, unit: Unit[T]) -> T:
        """Run a unit that only reads; it sees everything that was acknowledged before."""

    @abstractmethod
    async def close(self) -> None:
        """Finish what was accepted and release everything."""
