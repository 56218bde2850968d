"""Queues in PostgreSQL: one row per document that waits."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from cse.store import Queued, Queues
from cse.store.postgresql.counted import last, restore
from cse.store.postgresql.session import Session

_APPEND = "INSERT INTO queued (ri, name, document, owner) VALUES (%s, %s, %s, (SELECT seq FROM resource WHERE ri = %s))"
_RESTORE = (
    "INSERT INTO queued (id, ri, name, document, owner)"
    " VALUES (%s, %s, %s, %s, (SELECT seq FROM resource WHERE ri = %s))"
)
_ONE = "WHERE ri = %s AND digest = sha256(%s)"


class PostgreSQLQueues(Queues):
    """The table `queued` in one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def append(self, ri: str, name: str, document: Any) -> None:
        self._session.run(_APPEND, (ri, name, orjson.dumps(document), ri))

    def items(self, ri: str, name: str, limit: int | None = None) -> list[Queued]:
        statement = f"SELECT id, document FROM queued {_ONE} ORDER BY id LIMIT %s"  # noqa: S608
        rows = self._session.rows(statement, (ri, name, limit))
        return [Queued(number, orjson.loads(document)) for number, document in rows]

    def count(self, ri: str, name: str) -> int:
        row = self._session.one(f"SELECT count(*) FROM queued {_ONE}", (ri, name))  # noqa: S608
        return int(row[0]) if row else 0

    def remove(self, ids: Iterable[int]) -> None:
        self._session.run("DELETE FROM queued WHERE id = ANY(%b::bigint[])", (list(ids),))

    def clear(self, ri: str, name: str) -> None:
        self._session.run(f"DELETE FROM queued {_ONE}", (ri, name))  # noqa: S608

    def export(self) -> Iterator[tuple[Any, ...]]:
        yield ("last", last(self._session, "queued_id_seq"))
        for number, ri, name, document in self._session.stream("SELECT id, ri, name, document FROM queued ORDER BY id"):
            yield ("queued", number, ri.decode(), name.decode(), orjson.loads(document))

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        restore(self._session, "queued_id_seq", _RESTORE, rows, _values)


def _values(number: int, ri: str, name: str, document: Any) -> tuple[Any, ...]:
    return number, ri, name, orjson.dumps(document), ri
