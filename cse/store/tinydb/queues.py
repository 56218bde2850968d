"""Queues in TinyDB: one document per what waits."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from tinydb.table import Document

from cse.store import Queued, Queues
from cse.store.tinydb.belongings import Belongings
from cse.store.tinydb.database import Database
from cse.store.tinydb.indexes import Tally


class TinyDBQueues(Queues):
    """The table `queued`; numbers are in the order in which things came."""

    def __init__(self, database: Database) -> None:
        self._counts = Tally(lambda document: [(document["ri"], document["name"])])
        self.belongings = Belongings(database, "queued", "name", self._counts)
        self._table = self.belongings.table

    def append(self, ri: str, name: str, document: Any) -> None:
        self._table.insert({"ri": ri, "name": name, "document": document})

    def items(self, ri: str, name: str, limit: int | None = None) -> list[Queued]:
        entries = islice(self.belongings.by_resource.below(ri, name), limit)
        found = self._table.documents([entry[-1] for entry in entries])
        return [Queued(number, document["document"]) for number, document in found]

    def count(self, ri: str, name: str) -> int:
        return self._counts.of(ri).get((name,), 0)

    def remove(self, ids: Iterable[int]) -> None:
        self._table.remove(doc_ids=ids)

    def clear(self, ri: str, name: str) -> None:
        self.remove(self.belongings.by_resource.numbers(ri, name))

    def export(self) -> Iterator[tuple[Any, ...]]:
        yield ("last", self._table.last)
        for number, document in self._table.documents(self._table.numbers()):
            yield ("queued", number, document["ri"], document["name"], document["document"])

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for what, number, *values in rows:
            if what == "last":
                self._table.use_number(number)
            else:
                self._table.insert(Document(dict(zip(("ri", "name", "document"), values, strict=True)), number))
