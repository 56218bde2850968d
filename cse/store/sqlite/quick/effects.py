"""Effects as units on the event loop see them: those that nobody has claimed are in memory."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, MutableMapping
from itertools import islice
from typing import Any, NoReturn

import orjson
from sortedcontainers import SortedDict  # type: ignore[import-untyped]

from cse.store import Effect, Effects
from cse.store.sqlite.changes import Changes
from cse.store.sqlite.quick import OrdinaryWay, require_plain
from cse.store.sqlite.quick.batch import NewEffect
from cse.store.sqlite.quick.overlay import Overlay

MOST_UNCLAIMED = 10_000  # effects in memory

_LAST = "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'effect'"


class QuickEffects(Effects):
    """Above an overlay and a connection that reads."""

    def __init__(self, overlay: Overlay, connection: sqlite3.Connection) -> None:
        self._overlay = overlay
        self._connection = connection
        self._last: int | None = None
        self._unclaimed: MutableMapping[int, NewEffect] = SortedDict()
        self._may_be_others = True  # that nobody has claimed, in the file alone

    def heard(self, changes: Changes) -> None:
        """What a unit in another thread has done."""
        if changes.added:
            self._last = None
        self._may_be_others = changes.added or (self._may_be_others and not changes.all_claimed)
        for number in changes.not_unclaimed:
            self._unclaimed.pop(number, None)

    def limit(self) -> None:
        """Forget what is too much to be kept in memory: it is in the file. Not during a unit."""
        if len(self._unclaimed) > MOST_UNCLAIMED:
            self._unclaimed.clear()
            self._may_be_others = True

    def clear(self) -> None:
        """Nothing is known."""
        self._last = None
        self._unclaimed.clear()
        self._may_be_others = True

    def add(self, kind: str, document: dict[str, Any], *, lane: str = "") -> int:
        require_plain(kind, lane)
        if self._last is None:
            self._last = int(self._connection.execute(_LAST).fetchone()[0])
        self._last += 1
        effect = NewEffect(self._last, kind, orjson.dumps(document), lane)
        self._overlay.put(self._overlay.collecting.effects, effect.id, effect)
        self._overlay.put(self._unclaimed, effect.id, effect)
        return effect.id

    def claim(self, limit: int, *, kinds: Collection[str] = ()) -> list[Effect]:
        if self._may_be_others:
            raise OrdinaryWay
        wanted = (effect for effect in self._unclaimed.values() if not kinds or effect.kind in kinds)
        claimed = list(islice(wanted, limit))
        for effect in claimed:
            self._overlay.take(self._unclaimed, effect.id)
            self._overlay.put(self._overlay.collecting.claimed, effect.id, None)
        return [Effect(each.id, each.kind, orjson.loads(each.document), each.lane) for each in claimed]

    def remove(self, ids: Iterable[int]) -> None:
        for number in ids:
            self._overlay.take(self._unclaimed, number)
            self._overlay.put(self._overlay.collecting.carried_out, number, None)

    def pending(self, *, after: int = 0, limit: int = 100) -> list[Effect]:
        raise OrdinaryWay

    def in_lanes(self, lanes: Collection[str]) -> list[int]:
        raise OrdinaryWay

    def present(self, ids: Collection[int]) -> list[int]:
        raise OrdinaryWay

    def export(self) -> Iterator[tuple[Any, ...]]:
        raise OrdinaryWay

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> NoReturn:
        raise OrdinaryWay
