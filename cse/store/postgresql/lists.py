"""Long lists in PostgreSQL: one row per item."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from cse.store import Lists
from cse.store.postgresql.session import Session

_INSERT = (
    "INSERT INTO list_item (ri, position, item, target, holds)"
    " SELECT given.ri, given.position, given.item, given.target, resource.seq"
    " FROM unnest(%b::bytea[], %b::bigint[], %b::bytea[], %b::bytea[]) AS given (ri, position, item, target)"
    " LEFT JOIN resource ON resource.ri = given.target"
)
_ITEMS = "SELECT position, item, target FROM list_item WHERE ri = %s AND position > %s ORDER BY position LIMIT %s"
_DROP_TARGETS = (
    "DELETE FROM list_item WHERE target IN (SELECT ri FROM resource WHERE path = %s OR (path >= %s AND path < %s))"
    " RETURNING ri"
)
_DROP_ITEMS = (
    "DELETE FROM list_item WHERE target IS NULL"
    " AND sha256(item) IN (SELECT sha256(gone) FROM unnest(%b::bytea[]) AS gone) RETURNING ri"
)
_WITH_TARGET = "SELECT DISTINCT ri FROM list_item WHERE target = %s"
_WITHOUT_TARGET = "SELECT DISTINCT ri FROM list_item WHERE target IS NULL"
AT_ONCE = 10_000


class PostgreSQLLists(Lists):
    """The table `list_item` in one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def replace(self, ri: str, items: Iterable[tuple[str, str | None]]) -> None:
        rows = [(ri, position, item, target) for position, (item, target) in enumerate(items)]
        self._session.subject = ri
        self._session.run("DELETE FROM list_item WHERE ri = %s", (ri,))
        self.restore(rows)

    def items(self, ri: str, *, after: int = -1, limit: int | None = None) -> list[tuple[int, str, str | None]]:
        rows = self._session.rows(_ITEMS, (ri, after, limit))
        return [(position, item.decode(), target and target.decode()) for position, item, target in rows]

    def count(self, ri: str) -> int:
        row = self._session.one("SELECT count(*) FROM list_item WHERE ri = %s", (ri,))
        return int(row[0]) if row else 0

    def drop_targets(self, path: str) -> list[str]:
        return self._owners(_DROP_TARGETS, (path, f"{path}/", f"{path}0"))

    def drop_items(self, items: Collection[str]) -> list[str]:
        return self._owners(_DROP_ITEMS, (list(items),))

    def holders(self, target: str | None) -> list[str]:
        return self._owners(_WITHOUT_TARGET) if target is None else self._owners(_WITH_TARGET, (target,))

    def export(self) -> Iterator[tuple[Any, ...]]:
        rows = self._session.stream("SELECT ri, position, item, target FROM list_item ORDER BY ri, position")
        for ri, position, item, target in rows:
            yield ri.decode(), position, item.decode(), target and target.decode()

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        given = list(rows)
        for start in range(0, len(given), AT_ONCE):
            self._session.run(_INSERT, [list(column) for column in zip(*given[start : start + AT_ONCE], strict=True)])

    def _owners(self, statement: str, values: tuple[Any, ...] = ()) -> list[str]:
        return sorted({ri.decode() for (ri,) in self._session.rows(statement, values)})
