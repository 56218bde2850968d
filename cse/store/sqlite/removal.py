"""Removal of what has very many descendants: out of sight at once, out of the file little by little.

A unit that took out 100,000 rows would keep every other one waiting for seconds. It takes out the first hundred; what
is left has an entry in the table `gone`: the rows below its `root` up to the number `last` are there for nobody any
more, and `purge` takes them out in units of its own, after a crash too. Rows that are made meanwhile have higher
numbers, so they may be in the same place.
"""

import sqlite3
from enum import Enum

AT_ONCE = 100  # rows that one unit takes out: two milliseconds
PURGED_AT_ONCE = 50  # the same for those that nobody waits for

TABLE = """
CREATE TABLE gone (
    root TEXT NOT NULL PRIMARY KEY,
    last INTEGER NOT NULL
) WITHOUT ROWID"""

# ASCII has "0" right behind "/", so this range is every path that starts with the root and a slash.
WITHIN = "path > root || '/' AND path < root || '0' AND seq <= last"
IS_GONE = f"EXISTS (SELECT 1 FROM gone WHERE {WITHIN})"  # noqa: S608
VIEW = f"CREATE VIEW present AS SELECT * FROM resource WHERE NOT {IS_GONE}"  # noqa: S608
# For tables that have the identifiers of resources.
IS_LEFT = f"ri NOT IN (SELECT ri FROM gone CROSS JOIN resource WHERE {WITHIN})"  # noqa: S608

_TAKE_OUT = "DELETE FROM resource WHERE path = ?"
_TAKE_OUT_BELOW = (
    "DELETE FROM resource WHERE seq IN (SELECT seq FROM resource WHERE path > ?1 || '/' AND path < ?1 || '0' LIMIT ?2)"
)
_HIDE = "INSERT OR REPLACE INTO gone (root, last) SELECT ?, max(seq) FROM resource"
_FIRST = "SELECT root, last FROM gone LIMIT 1"
_PURGE = (
    "DELETE FROM resource WHERE seq IN (SELECT seq FROM resource WHERE path > ?1 || '/' AND path < ?1 || '0'"
    " AND seq <= ?2 LIMIT ?3)"
)


class Below(Enum):
    """What there was below a resource that has been removed: `LEFT` is what still has to be purged."""

    NONE = 0
    TAKEN = 1
    LEFT = 2


def remove(connection: sqlite3.Connection, path: str) -> Below:
    """Take out the resource at a path with all that is below it."""
    connection.execute(_TAKE_OUT, (path,))
    taken = connection.execute(_TAKE_OUT_BELOW, (path, AT_ONCE)).rowcount
    if taken < AT_ONCE:
        return Below.TAKEN if taken else Below.NONE
    connection.execute(_HIDE, (path,))
    return Below.LEFT


def purge(connection: sqlite3.Connection) -> bool:
    """Take out some of the rows that are gone; whether there may be more."""
    entry = connection.execute(_FIRST).fetchone()
    if entry is None:
        return False
    if connection.execute(_PURGE, (*entry, PURGED_AT_ONCE)).rowcount < PURGED_AT_ONCE:
        connection.execute("DELETE FROM gone WHERE root = ?", entry[:1])
    return True
