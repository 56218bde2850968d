"""What units on the event loop see of the store."""

import sqlite3
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, NoReturn, cast

from cse.store import Campaign, Campaigns, Row, Transaction
from cse.store.records import changeable
from cse.store.sqlite.campaigns import CONCERN
from cse.store.sqlite.changes import Changes
from cse.store.sqlite.lists import SQLiteLists
from cse.store.sqlite.quick import OrdinaryWay, require_plain
from cse.store.sqlite.quick.alarms import QuickAlarms
from cse.store.sqlite.quick.effects import QuickEffects
from cse.store.sqlite.quick.overlay import Overlay
from cse.store.sqlite.quick.resources import QuickResources

LONG = 500  # items of a list that are read here at most

_LONG_LIST = "SELECT 1 FROM list_item WHERE ri = ? LIMIT 1 OFFSET ?"
_MANY_HOLDERS = "SELECT 1 FROM list_item WHERE target = ? LIMIT 1 OFFSET ?"
_TARGETS = "SELECT 1 FROM list_item WHERE path = ? OR (path >= ? AND path < ?) LIMIT 1"


class QuickTransaction(Transaction):
    """It serves one unit after the other."""

    def __init__(self, overlay: Overlay, connection: sqlite3.Connection) -> None:
        self._overlay = overlay
        self.tree = QuickResources(overlay, connection)
        self.resources = self.tree
        self.outgoing = QuickEffects(overlay, connection)
        self.effects = self.outgoing
        self.lists = QuickLists(overlay, connection, self.tree)
        self.campaigns = cast(Campaigns, QuickCampaigns(overlay, self.tree))
        self.alarms = QuickAlarms(overlay, connection, self.tree)
        self.queues = cast(Any, Elsewhere())

    @property
    def connection(self) -> NoReturn:
        """Whoever wants to use SQL himself is sent to the thread that may write."""
        raise OrdinaryWay

    def heard(self, changes: Changes) -> None:
        """What a unit in another thread has done."""
        self.tree.forget_last()
        self.outgoing.heard(changes)

    def clear(self) -> None:
        """Nothing is known."""
        self.tree.forget_last()
        self.outgoing.clear()

    def savepoint(self) -> AbstractContextManager[None]:
        return Part(self._overlay)


class Part:
    """A context that is undone when it raises."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay

    def __enter__(self) -> None:
        self._mark = self._overlay.mark

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if error is not None:
            self._overlay.undo(self._mark)


class Elsewhere:
    """Tables that units on the event loop can't use."""

    def __getattr__(self, name: str) -> NoReturn:
        raise OrdinaryWay


class QuickCampaigns(Elsewhere):
    """Campaigns and their members can be written, but not read."""

    def __init__(self, overlay: Overlay, tree: QuickResources) -> None:
        self._overlay = overlay
        self._tree = tree

    def concern(self, target: str, state: str) -> bool:
        """Whether some row in this state has this target."""
        if self._overlay.collecting.rows or self._overlay.writes_rows:
            raise OrdinaryWay
        return self._tree.first(CONCERN, (target, state)) is not None

    def save(self, campaign: Campaign) -> None:
        """Store its changed fields."""
        require_plain(campaign.id, campaign.group, campaign.request_resource)
        self._overlay.put(self._overlay.collecting.campaigns, campaign.id, changeable(campaign))

    def write(self, campaign_id: str, rows: Iterable[Row]) -> None:
        """Replace the rows at these positions."""
        written = self._overlay.collecting.rows
        if campaign_id not in written:
            self._overlay.put(written, campaign_id, {})
        for row in rows:
            require_plain(row.member, row.target, row.host, row.reason)
            self._overlay.put(written[campaign_id], row.position, row)


class QuickLists(SQLiteLists):
    """Lists are only read here, and only short ones."""

    def __init__(self, overlay: Overlay, connection: sqlite3.Connection, tree: QuickResources) -> None:
        super().__init__(connection)
        self._overlay = overlay
        self._tree = tree

    def replace(self, ri: str, items: Iterable[tuple[str, str | None]]) -> NoReturn:
        raise OrdinaryWay

    def items(self, ri: str, *, after: int = -1, limit: int | None = None) -> list[tuple[int, str, str | None]]:
        self._require_none(_LONG_LIST, (ri, LONG))
        return super().items(ri, after=after, limit=limit)

    def count(self, ri: str) -> int:
        self._require_none(_LONG_LIST, (ri, LONG))
        return super().count(ri)

    def drop_targets(self, path: str) -> list[str]:
        if path in self._overlay.paths:
            raise OrdinaryWay
        self._require_none(_TARGETS, (path, f"{path}/", f"{path}0"))
        return []

    def drop_items(self, items: Collection[str]) -> NoReturn:
        raise OrdinaryWay

    def export(self) -> NoReturn:
        raise OrdinaryWay

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> NoReturn:
        raise OrdinaryWay

    def holders(self, target: str | None) -> list[str]:
        if target is None:
            raise OrdinaryWay
        self._require_none(_MANY_HOLDERS, (target, LONG))
        return super().holders(target)

    def _require_none(self, statement: str, values: tuple[Any, ...]) -> None:
        """Go on only if the file has nothing of this kind."""
        if self._tree.first(statement, values) is not None:
            raise OrdinaryWay
