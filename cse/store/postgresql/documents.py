"""What networks remember, in a table: only the conductor writes it."""

import threading
from collections.abc import Callable
from typing import Any, cast

import orjson
from tinydb.storages import Storage

from cse.store import T, Transaction, Unit
from cse.store.postgresql.fence import Fence
from cse.store.postgresql.session import Session
from cse.store.postgresql.transaction import PostgreSQLConnection, PostgreSQLTransaction
from cse.store.postgresql.worker import persist

_NAMES = "SELECT name FROM network_document ORDER BY name"
_READ = "SELECT content FROM network_document WHERE name = %s"
_WRITE = (
    "INSERT INTO network_document (name, content) VALUES (%s, %s)"
    " ON CONFLICT (name) DO UPDATE SET content = EXCLUDED.content"
)


class Documents:
    """All of a store, on a connection of their own that any thread may use, one at a time."""

    def __init__(self, session: Callable[[], Session], fence: Fence) -> None:
        self._session = session
        self._fence = fence
        self._lock = threading.Lock()
        self._connection: PostgreSQLConnection | None = None

    def storage(self, name: str) -> Storage:
        """What is kept under this name."""
        return Document(self, name)

    def names(self) -> list[str]:
        return self.carry_out(lambda transaction: [name.decode() for (name,) in _session(transaction).rows(_NAMES)])

    def read(self, name: str) -> Any:
        row = self.carry_out(lambda transaction: _session(transaction).one(_READ, (name,)))
        return orjson.loads(row[0]) if row else None

    def write(self, name: str, data: dict[str, Any]) -> None:
        content = orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS)

        def put(transaction: Transaction) -> None:
            self._fence.check(_session(transaction))
            _session(transaction).run(_WRITE, (name, content))

        self.carry_out(put)

    def carry_out(self, unit: Unit[T]) -> T:
        """Run a unit in this thread."""
        with self._lock:
            if self._connection is None:
                self._connection = PostgreSQLConnection(self._session(), self._fence)
            [(value, error)] = persist(self._connection, [unit])
        if error is not None:
            raise error
        return cast(T, value)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.transaction.session.close()
                self._connection = None


class Document(Storage):
    """One of them. It is read once, as the conductor is the only one who changes it."""

    def __init__(self, documents: Documents, name: str) -> None:
        self._documents = documents
        self._name = name
        self._data: dict[str, dict[str, Any]] | None = documents.read(name)

    def read(self) -> dict[str, dict[str, Any]] | None:
        return self._data

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        self._documents.write(self._name, data)
        self._data = data


def _session(transaction: Transaction) -> Session:
    return cast(PostgreSQLTransaction, transaction).session
