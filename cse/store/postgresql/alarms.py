"""Alarms in PostgreSQL."""

from collections.abc import Iterable, Iterator
from typing import Any

from cse.store import Alarm, Alarms
from cse.store.postgresql.session import Session

_SET = (
    "INSERT INTO alarm (ri, name, due, owner) VALUES (%s, %s, %s, (SELECT seq FROM resource WHERE ri = %s))"
    " ON CONFLICT (ri, digest) DO UPDATE SET due = EXCLUDED.due, owner = EXCLUDED.owner"
)
_ONE = "WHERE ri = %s AND digest = sha256(%s)"
_HASTEN = "UPDATE alarm SET due = %s WHERE name = %s AND due > %s"
_DUE = "SELECT ri, name, due FROM alarm WHERE due <= %s ORDER BY due LIMIT %s"
_IN_HAND = " FOR UPDATE SKIP LOCKED"


class PostgreSQLAlarms(Alarms):
    """The table `alarm` in one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def set(self, ri: str, name: str, due: float) -> None:
        self._session.run(_SET, (ri, name, due, ri))

    def get(self, ri: str, name: str) -> float | None:
        row = self._session.one(f"SELECT due FROM alarm {_ONE}", (ri, name))  # noqa: S608
        return None if row is None else float(row[0])

    def cancel(self, ri: str, name: str) -> None:
        self._session.run(f"DELETE FROM alarm {_ONE}", (ri, name))  # noqa: S608

    def hasten(self, name: str, due: float) -> None:
        self._session.run(_HASTEN, (due, name, due))

    def due(self, now: float, limit: int) -> list[Alarm]:
        statement = _DUE + _IN_HAND if self._session.writes else _DUE
        return [Alarm(ri.decode(), name.decode(), due) for ri, name, due in self._session.rows(statement, (now, limit))]

    def next(self) -> float | None:
        row = self._session.one("SELECT due FROM alarm ORDER BY due LIMIT 1")
        return None if row is None else float(row[0])

    def export(self) -> Iterator[tuple[Any, ...]]:
        for ri, name, due in self._session.stream("SELECT ri, name, due FROM alarm ORDER BY ri, name"):
            yield ri.decode(), name.decode(), due

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._session.many(_SET, ((ri, name, due, ri) for ri, name, due in rows))
