"""Alarms in TinyDB."""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import inf
from typing import Any

from cse.store import Alarm, Alarms
from cse.store.tinydb.belongings import Belongings
from cse.store.tinydb.database import Database
from cse.store.tinydb.indexes import Sorted


class TinyDBAlarms(Alarms):
    """The table `alarm`."""

    def __init__(self, database: Database) -> None:
        self._by_time = Sorted(lambda document: [(document["due"],)])
        self._by_name = Sorted(lambda document: [(document["name"], document["due"])])
        self.belongings = Belongings(database, "alarm", "name", self._by_time, self._by_name)
        self._table = self.belongings.table

    def set(self, ri: str, name: str, due: float) -> None:
        self.cancel(ri, name)
        self._table.insert({"ri": ri, "name": name, "due": float(due)})

    def get(self, ri: str, name: str) -> float | None:
        found = self._table.documents(self.belongings.by_resource.numbers(ri, name))
        return next((document["due"] for _, document in found), None)

    def cancel(self, ri: str, name: str) -> None:
        self._table.remove(doc_ids=self.belongings.by_resource.numbers(ri, name))

    def hasten(self, name: str, due: float) -> None:
        later = self._by_name.span((name, due, inf), (f"{name}\0",))
        self._table.update({"due": float(due)}, doc_ids=[entry[-1] for entry in later])

    def due(self, now: float, limit: int) -> list[Alarm]:
        found = islice(self._by_time.span(None, (now, inf)), limit)
        return [Alarm(**document) for _, document in self._table.documents([entry[-1] for entry in found])]

    def next(self) -> float | None:
        first = self._by_time.first()
        return None if first is None else float(first[0])

    def export(self) -> Iterator[tuple[Any, ...]]:
        for _, document in self._table.documents(entry[-1] for entry in self.belongings.by_resource.below()):
            yield document["ri"], document["name"], document["due"]

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for row in rows:
            self.set(*row)
