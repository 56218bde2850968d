"""The tables together: what they share, and how a transaction over them begins and ends."""

from collections.abc import Iterator

from cse.config import ConfigurationError
from cse.store.tinydb.indexes import Index
from cse.store.tinydb.lines import Change
from cse.store.tinydb.snapshot import Content
from cse.store.tinydb.storage import JournalStorage
from cse.store.tinydb.table import KeyedTable
from cse.store.tinydb.undo import Log


class Database:
    """One thread at a time may use it."""

    def __init__(self, storage: JournalStorage) -> None:
        self.storage = storage
        self.log = Log()
        self._tables: dict[str, KeyedTable] = {}

    def add(self, name: str, *indexes: Index) -> KeyedTable:
        """A table that is found by these indexes."""
        self._tables[name] = KeyedTable(self.storage, name, self.log, indexes)
        return self._tables[name]

    def load(self, content: Content) -> None:
        """Have this from now on."""
        for name, table in self._tables.items():
            table.load(content.tables.get(name, {}), content.last.get(name, 0))

    def commit(self) -> None:
        """Make durable what was done; if that fails it can still be undone."""
        changes = list(self._changes())
        if changes:
            self.storage.append(changes)
        self.log.clear()

    def copy(self) -> Content:
        """Everything as it is now; texts are shared."""
        tables = {name: dict(table.texts) for name, table in self._tables.items()}
        return Content(tables, {name: table.last for name, table in self._tables.items()}, self.storage.commit)

    @property
    def size(self) -> int:
        """The length of all documents."""
        return sum(table.size for table in self._tables.values())

    def check(self) -> list[str]:
        """What is broken in the files, which are read anew, and in the indexes; one sentence each."""
        try:
            written = self.storage.load()
        except (OSError, ConfigurationError) as error:
            return [str(error)]
        return [
            sentence for name, table in self._tables.items() for sentence in table.check(written.tables.get(name, {}))
        ]

    def _changes(self) -> Iterator[Change]:
        for name, number in self.log.places():
            yield Change(name, number, self._tables[name].texts.get(number))
