"""Alarms as units on the event loop see them."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from cse.store import Alarm
from cse.store.sqlite.alarms import SQLiteAlarms
from cse.store.sqlite.quick import OrdinaryWay, require_plain
from cse.store.sqlite.quick.overlay import Overlay
from cse.store.sqlite.quick.resources import QuickResources


class QuickAlarms(SQLiteAlarms):
    """Above an overlay, and what a connection reads in the file. What is due is handled elsewhere, if anything is."""

    def __init__(self, overlay: Overlay, connection: sqlite3.Connection, tree: QuickResources) -> None:
        super().__init__(connection)
        self._overlay = overlay
        self._tree = tree

    def set(self, ri: str, name: str, due: float) -> None:
        require_plain(ri, name)
        self._overlay.alarm((ri, name), due)

    def cancel(self, ri: str, name: str) -> None:
        require_plain(ri, name)
        self._overlay.alarm((ri, name), None)

    def get(self, ri: str, name: str) -> float | None:
        overlay = self._overlay
        batch, due = overlay.alarms.get((ri, name)) or (overlay.without_alarms.get(ri, 0), None)
        if not batch:
            self._tree.require_look()
            return super().get(ri, name)
        overlay.seen = max(overlay.seen, batch)
        return due

    def hasten(self, name: str, due: float) -> NoReturn:
        raise OrdinaryWay

    def due(self, now: float, limit: int) -> list[Alarm]:
        first = self.next()
        if first is not None and first <= now:
            raise OrdinaryWay
        return []

    def next(self) -> float | None:
        if self._overlay.alarms or self._overlay.without_alarms:
            raise OrdinaryWay
        self._tree.require_look()
        return super().next()

    def export(self) -> Iterator[tuple[Any, ...]]:
        raise OrdinaryWay

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> NoReturn:
        raise OrdinaryWay
