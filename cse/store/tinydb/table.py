"""TinyDB's table with keyed access: whatever is done to a document costs that document, not a copy of the table."""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from functools import partial
from typing import Any

import orjson
from tinydb.storages import Storage
from tinydb.table import Table

from cse.store.tinydb.indexes import Document, Entry, Index
from cse.store.tinydb.lines import as_text
from cse.store.tinydb.undo import Log


class KeyedTable(Table):
    """Its documents are in memory as JSON texts, so that who gets one gets one of his own.

    Changes go to the indexes at once, to the log, and with the commit to the storage. `last` is the highest number that
    a document has ever had.
    """

    def __init__(self, storage: Storage, name: str, log: Log, indexes: Iterable[Index] = ()) -> None:
        super().__init__(storage, name, cache_size=0)
        self._log = log
        self._indexes = list(indexes)
        self.load({}, 0)

    def load(self, texts: dict[int, bytes], last: int) -> None:
        """Have these documents from now on."""
        self.texts = texts
        self.last = last
        self.size = sum(map(len, texts.values()))
        entries: list[list[Entry]] = [[] for _ in self._indexes]
        for number, document in self._all():  # one after the other: parsed, they take several times the memory
            for index, found in zip(self._indexes, entries, strict=True):
                for key in index.keys(document):
                    found.append((key, number))
        for index, found in zip(self._indexes, entries, strict=True):
            index.load(found)

    def document(self, number: int) -> dict[str, Any] | None:
        """It is the caller's own."""
        text = self.texts.get(number)
        return None if text is None else orjson.loads(text)

    def documents(self, numbers: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Those that are still there when one comes to them, as long as the unit is under way that calls this."""
        return self._present(self._log.during_unit(numbers))

    def numbers(self) -> list[int]:
        """Of all documents, in the order in which they came."""
        return sorted(self.texts)

    def use_number(self, number: int) -> None:
        """Give no document this number or a lower one any more."""
        self.put(number, self.document(number))

    def put(self, number: int, document: Document | None) -> None:
        """Make this the document of this number."""
        self._log.record(partial(self._undo, number, self.texts.get(number), self.last), (self.name, number))
        self.last = max(self.last, number)
        self._set(number, document, as_text(document))

    def check(self, written: Mapping[int, bytes]) -> Iterator[str]:
        """What is broken: documents that differ from what is written in the file, and indexes that differ from them."""
        if written != self.texts:
            yield f"the documents of the table {self.name} are not those in the file"
        if not all(index.agrees_with(self._all()) for index in self._indexes):
            yield f"the indexes of the table {self.name} do not agree with its documents"

    def _all(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return ((number, orjson.loads(text)) for number, text in self.texts.items())

    def _present(self, numbers: Iterator[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        for number in numbers:
            document = self.document(number)
            if document is not None:
                yield number, document

    def _undo(self, number: int, text: bytes | None, last: int) -> None:
        self.last = last
        self._set(number, None if text is None else orjson.loads(text), text)

    def _set(self, number: int, document: Document | None, text: bytes | None) -> None:
        before = self.document(number)
        for index in self._indexes:
            index.change(number, before, document)
        self.size += len(text or b"") - len(self.texts.get(number, b""))
        if text is None:
            self.texts.pop(number, None)
        else:
            self.texts[number] = text

    def _get_next_id(self) -> int:
        return self.last + 1

    def _read_table(self) -> Mapping[str, Mapping[str, Any]]:  # type: ignore[override]
        return _Reading(self)

    def _update_table(self, updater: Callable[[MutableMapping[int, Any]], None]) -> None:  # type: ignore[override]
        changing = _Changing(self)
        updater(changing)
        changing.finish()


class _Reading(Mapping[str, Mapping[str, Any]]):
    """The table as TinyDB reads it: numbers are texts."""

    def __init__(self, table: KeyedTable) -> None:
        self._table = table

    def __getitem__(self, key: str) -> Mapping[str, Any]:
        document = self._table.document(int(key))
        if document is None:
            raise KeyError(key)
        return document

    def __iter__(self) -> Iterator[str]:
        return map(str, self._table.numbers())

    def __len__(self) -> int:
        return len(self._table.texts)


class _Changing(MutableMapping[int, Any]):
    """The table as TinyDB changes it: documents that were taken out may have been changed on the spot."""

    def __init__(self, table: KeyedTable) -> None:
        self._table = table
        self._taken: dict[int, Any] = {}

    def __getitem__(self, number: int) -> Any:
        if number not in self._taken:
            document = self._table.document(number)
            if document is None:
                raise KeyError(number)
            self._taken[number] = document
        return self._taken[number]

    def __setitem__(self, number: int, document: Any) -> None:
        self._taken.pop(number, None)
        self._table.put(number, document)

    def __delitem__(self, number: int) -> None:
        self._taken.pop(number, None)
        self._table.put(number, None)

    def __contains__(self, number: object) -> bool:
        return number in self._table.texts

    def __iter__(self) -> Iterator[int]:
        return iter(self._table.numbers())

    def __len__(self) -> int:
        return len(self._table.texts)

    def finish(self) -> None:
        """What was changed on the spot is the table's from now on."""
        for number, document in self._taken.items():
            self._table.put(number, document)
