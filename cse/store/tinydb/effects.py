"""Effects in TinyDB."""

from collections.abc import Collection, Iterable, Iterator
from functools import partial
from heapq import merge
from itertools import islice
from typing import Any

from tinydb.table import Document

from cse.store import Effect, Effects
from cse.store.tinydb.database import Database
from cse.store.tinydb.indexes import Sorted


class TinyDBEffects(Effects):
    """The table `effect`. There is one process and its claims end with it, so they are in memory only."""

    def __init__(self, database: Database) -> None:
        self._log = database.log
        self._by_kind = Sorted(lambda document: [(document["kind"],)])
        self._by_lane = Sorted(lambda document: [(document["lane"],)])
        self._by_number = Sorted(lambda document: [()])
        self._table = database.add("effect", self._by_kind, self._by_lane, self._by_number)
        self._claimed: set[int] = set()

    def add(self, kind: str, document: dict[str, Any], *, lane: str = "") -> int:
        return self._table.insert({"kind": kind, "lane": lane, "document": document})

    def claim(self, limit: int, *, kinds: Collection[str] = ()) -> list[Effect]:
        numbers = (number for number in self._numbers(kinds) if number not in self._claimed)
        chosen = list(islice(numbers, limit))
        for number in chosen:
            self._log.record(partial(self._claimed.discard, number))
            self._claimed.add(number)
        return self._effects(chosen)

    def pending(self, *, after: int = 0, limit: int = 100) -> list[Effect]:
        return self._effects([entry[-1] for entry in islice(self._by_number.span((after + 1,)), limit)])

    def in_lanes(self, lanes: Collection[str]) -> list[int]:
        return sorted({number for lane in lanes for number in self._by_lane.numbers(lane)})

    def present(self, ids: Collection[int]) -> list[int]:
        return sorted(number for number in set(ids) if number in self._table.texts)

    def remove(self, ids: Iterable[int]) -> None:
        numbers = list(ids)
        self._table.remove(doc_ids=numbers)
        for number in self._claimed.intersection(numbers):
            self._log.record(partial(self._claimed.add, number))
            self._claimed.discard(number)

    def export(self) -> Iterator[tuple[Any, ...]]:
        yield ("last", self._table.last)
        for number, document in self._table.documents(self._table.numbers()):
            yield ("effect", number, document["kind"], document["document"], document["lane"])

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for what, number, *values in rows:
            if what == "last":
                self._table.use_number(number)
            else:
                kind, document, lane = values
                self._table.insert(Document({"kind": kind, "lane": lane, "document": document}, number))

    def _numbers(self, kinds: Collection[str]) -> Iterable[int]:
        """In order, of these kinds or of all."""
        if not kinds:
            return (entry[-1] for entry in self._by_number.below())
        return merge(*((entry[-1] for entry in self._by_kind.below(kind)) for kind in set(kinds)))

    def _effects(self, numbers: list[int]) -> list[Effect]:
        found = self._table.documents(numbers)
        return [Effect(number, each["kind"], each["document"], each["lane"]) for number, each in found]
