"""The tables of a store, as a unit of work sees them."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from cse.store.records import Alarm, Campaign, Effect, Queued, Resource, Row, Search


class Table(ABC):
    """One table of a store; it can be carried over into another store as a whole.

    A row is a tuple of JSON values (and bytes). Rows that are counted by the store begin with their number, and the
    last number that was ever used is a row of its own, so that no number is used twice in the other store either.
    Every engine exports the same content in the same order; texts are ordered by their code points.
    """

    @abstractmethod
    def export(self) -> Iterator[tuple[Any, ...]]:
        """Every row, one by one, in an order in which `restore` can add them; the class says what is in a row.

        It takes no more memory for a large table. The unit may use the tables meanwhile, as long as it only reads; it
        goes on in a thread of its own, and may wait for others.
        """

    @abstractmethod
    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add the rows that `export` of any engine has yielded to a table that has been empty, all or in portions.

        Each portion may be a unit of its own; the next one goes on where the last one has ended.
        """


class Resources(Table):
    """The tree. A row for export is (path, creator, attributes), in the order of creation."""

    @abstractmethod
    def get(self, ri: str) -> Resource | None:
        """By resource identifier."""

    @abstractmethod
    def find(self, path: str) -> Resource | None:
        """By structured address."""

    def look(self, ri: str) -> Resource | None:
        """The same as `get`, for somebody who changes nothing in it: it may be shared with other units, with its memo.

        What a unit that only reads gets, in whatever way, may be shared as well.
        """
        return self.get(ri)

    def look_at(self, path: str) -> Resource | None:
        """The same as `find`, for somebody who changes nothing in it."""
        return self.find(path)

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
        """Descendants of the root (without it) that fit, in the order of creation: parents before children."""

    @abstractmethod
    def governed_by(self, policies: Sequence[str]) -> Iterator[Resource]:
        """Resources that have one of these texts among their accessControlPolicyIDs (acpi)."""

    @abstractmethod
    def expired(self, now: str, limit: int) -> list[Resource]:
        """Resources whose expirationTime is `now` or earlier, earliest first; `now` has a fraction of six digits.

        In a unit that may write they are none that another process has in hand.
        """

    @abstractmethod
    def next_expiration(self) -> str | None:
        """The earliest expirationTime of all resources."""


class Lists(Table):
    """Attributes that are long lists, one row per item: a group's members. An item may point at a resource (target).

    A row for export is (ri, position, item, target), in the order of ri and position.
    """

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


class Campaigns(Table):
    """Fan-outs and their members.

    Rows for export are ("last", sequence), then for each campaign in the order of sequences ("campaign", its fields in
    order) and the members in order of position, ("row", campaign id, the fields of `Row` in order).
    """

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
        """Rows of older campaigns in this state whose target is also one of this campaign: (campaign id, row).

        The oldest campaign comes first, its rows in order of position.
        """


class Effects(Table):
    """What has been decided and still has to be carried out outside, at least once, by one process at a time.

    Rows for export are ("last", number), then ("effect", id, kind, document, lane) in the order of identifiers.
    """

    @abstractmethod
    def add(self, kind: str, document: dict[str, Any], *, lane: str = "") -> int:
        """Remember to do this; its identifier, which no other has had and which is higher than those before it."""

    @abstractmethod
    def claim(self, limit: int, *, kinds: Collection[str] = ()) -> list[Effect]:
        """The first effects that nobody has claimed, lowest identifier first, all or those of some kinds.

        From now on this process has claimed them, until it removes them or ends, however it ends. Of a lane in which
        another process has claimed something it gets nothing. The claim goes with the unit if that fails.
        """

    @abstractmethod
    def pending(self, *, after: int = 0, limit: int = 100) -> list[Effect]:
        """Effects in the order of their identifiers, claimed or not, from behind one."""

    @abstractmethod
    def in_lanes(self, lanes: Collection[str]) -> list[int]:
        """The identifiers of what is in these lanes, claimed or not, in order."""

    @abstractmethod
    def present(self, ids: Collection[int]) -> list[int]:
        """Which of these have not been removed yet."""

    @abstractmethod
    def remove(self, ids: Iterable[int]) -> None:
        """They have been carried out."""


class Alarms(Table):
    """When resources are to be woken. Each has one alarm of a name at most; alarms go with their resources.

    A row for export is (ri, name, due), in the order of ri and name.
    """

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
        """Alarms that are due, earliest first; in a unit that may write none that another process has in hand."""

    @abstractmethod
    def next(self) -> float | None:
        """When the next one is due, None if there is none."""


class Queues(Table):
    """What waits in a resource, in order: notifications of a batch, for instance. Queues go with their resources.

    Rows for export are ("last", number), then ("queued", id, ri, name, document) in the order of identifiers.
    """

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
