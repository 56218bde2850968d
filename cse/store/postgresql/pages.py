"""Long results in pages: the client of PostgreSQL would hold everything that a statement returns at once."""

from array import array
from collections.abc import Iterator
from typing import Any

from cse.store.postgresql.session import Session, Tuple

FIRST, MOST = 20, 500  # rows of the first page, and of the later ones
_SOME = "SELECT seq, {fields} FROM resource WHERE seq = ANY({seqs}) ORDER BY seq{direction}"
_SORTED = "SELECT seq FROM ({found}) AS found ORDER BY seq{direction}"
_PAGE = (
    "SELECT seq, {fields} FROM resource WHERE {condition} AND seq {beyond} %(last)s"
    " ORDER BY seq{direction} LIMIT %(limit)s"
)


def ordered(
    session: Session, fields: str, condition: str, values: dict[str, Any], *, descending: bool
) -> Iterator[Tuple]:
    """Resources for which a condition holds that an index has in the order of creation."""
    beyond, direction, last = ("<", " DESC", 2**62) if descending else (">", "", -1)
    statement = _PAGE.format(fields=fields, condition=condition, beyond=beyond, direction=direction)
    limit, age = FIRST, session.age
    while page := session.rows(statement, values | {"last": last, "limit": limit}):
        yield from _open(session, age, page)
        if len(page) < limit:
            return
        last, limit = page[-1][0], MOST


def sorted_pages(
    session: Session, fields: str, found: str, values: dict[str, Any], *, descending: bool = False
) -> Iterator[Tuple]:
    """Resources whose numbers the statement `found` returns, in the order of creation.

    Only their numbers are in memory, and those only where there are more than fit on one page.
    """
    direction, age = " DESC" if descending else "", session.age
    numbers = _SORTED.format(found=found, direction=direction)
    first = _SOME.format(fields=fields, seqs=f"ARRAY({numbers} LIMIT {FIRST})", direction=direction)
    page = session.rows(first, values)
    more = array("q", (row[0] for row in session.rows(numbers, values)) if len(page) == FIRST else ())
    yield from _open(session, age, page)
    some = _SOME.format(fields=fields, seqs="%b::bigint[]", direction=direction)
    for start in range(FIRST, len(more), MOST):
        yield from _open(session, age, session.rows(some, (list(more[start : start + MOST]),)))


def _open(session: Session, age: int, page: list[Tuple]) -> Iterator[Tuple]:
    """The rows of a page, as long as the unit goes on that has begun to read."""
    for _, *row in page:
        if session.age != age:
            raise RuntimeError("this iteration has a closed cursor: it belongs to a unit of work that has ended")
        yield tuple(row)
