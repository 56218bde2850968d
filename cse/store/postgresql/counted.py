"""Tables whose rows PostgreSQL numbers, carried over from one store to another."""

from collections.abc import Callable, Iterable
from typing import Any

from cse.store.postgresql.session import Session


def last(session: Session, sequence: str) -> int:
    """The last number that was used, 0 at first."""
    row = session.one(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}")  # noqa: S608
    return int(row[0]) if row else 0


def restore(
    session: Session,
    sequence: str,
    statement: str,
    rows: Iterable[tuple[Any, ...]],
    values: Callable[..., tuple[Any, ...]],
) -> None:
    """Add rows that begin with what they are: the last number, or one to be added with these values."""
    added = []
    for what, number, *rest in rows:
        if what == "last":
            session.rows(f"SELECT setval('{sequence}', greatest(%s, 1), %s > 0)", (number, number))
        else:
            added.append(values(number, *rest))
    session.many(statement, added)
