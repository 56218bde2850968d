"""Long lists in TinyDB: one document per item."""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Any

from cse.store import Lists
from cse.store.tinydb.belongings import Belongings
from cse.store.tinydb.database import Database
from cse.store.tinydb.indexes import Key, Sorted, Tally

WITH_TARGET, WITHOUT_TARGET = 0, 1


class TinyDBLists(Lists):
    """The table `list_item`. `identifiers` gives those of the resources at a path and below."""

    def __init__(self, database: Database, identifiers: Callable[[str], Iterable[str]]) -> None:
        self._identifiers = identifiers
        self._by_meaning = Sorted(lambda document: [(*_meaning(document["item"], document["target"]), document["ri"])])
        self._counts = Tally(lambda document: [(document["ri"],)])
        self.belongings = Belongings(database, "list_item", "position", self._by_meaning, self._counts)
        self._table = self.belongings.table

    def replace(self, ri: str, items: Iterable[tuple[str, str | None]]) -> None:
        documents = [_document(ri, position, *item) for position, item in enumerate(items)]
        self.belongings.forget(ri)
        self._table.insert_multiple(documents)

    def items(self, ri: str, *, after: int = -1, limit: int | None = None) -> list[tuple[int, str, str | None]]:
        entries = self.belongings.by_resource.span((ri, after + 1), (f"{ri}\0",))
        documents = self._table.documents([entry[-1] for entry in islice(entries, limit)])
        return [(document["position"], document["item"], document["target"]) for _, document in documents]

    def count(self, ri: str) -> int:
        return self._counts.of(ri).get((), 0)

    def drop_targets(self, path: str) -> list[str]:
        return self._drop((WITH_TARGET, ri) for ri in self._identifiers(path))

    def drop_items(self, items: Collection[str]) -> list[str]:
        return self._drop((WITHOUT_TARGET, item) for item in items)

    def holders(self, target: str | None) -> list[str]:
        key = (WITHOUT_TARGET,) if target is None else (WITH_TARGET, target)
        return list(dict.fromkeys(entry[2] for entry in self._by_meaning.below(*key)))

    def export(self) -> Iterator[tuple[Any, ...]]:
        for _, document in self._table.documents(entry[-1] for entry in self.belongings.by_resource.below()):
            yield document["ri"], document["position"], document["item"], document["target"]

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._table.insert_multiple(_document(*row) for row in rows)

    def _drop(self, keys: Iterable[Key]) -> list[str]:
        """Remove the items that mean these; whose they were."""
        entries = [entry for key in keys for entry in self._by_meaning.below(*key)]
        self._table.remove(doc_ids=[entry[-1] for entry in entries])
        return sorted({entry[2] for entry in entries})


def _document(ri: str, position: int, item: str, target: str | None) -> dict[str, Any]:
    return {"ri": ri, "position": position, "item": item, "target": target}


def _meaning(item: str, target: str | None) -> Key:
    return (WITHOUT_TARGET, item) if target is None else (WITH_TARGET, target)
