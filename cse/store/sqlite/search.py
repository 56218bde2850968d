"""Searches in the tree: statements that go through indexes, and come to a document when somebody wants the next one.

Each function gives a cursor with rows (ri, path, creator, document), in the order of creation.
"""

import sqlite3
from collections.abc import Sequence

import orjson

from cse.store import Search
from cse.store.sqlite.parameters import as_list, listed

_COLUMNS = "SELECT ri, path, creator, document FROM"
SELECT = f"{_COLUMNS} present"

# ASCII has "0" right behind "/", so this range is every path that starts with the root and a slash.
_BELOW = "path >= :root || '/' AND path < :root || '0'"
_LEVELS = "(:slashes IS NULL OR length(path) - length(replace(path, '/', '')) <= :slashes)"
_TYPES = " AND ty IN (SELECT value FROM json_each(:types))"
_LABELS = f" AND label IN ({listed(':labels')})"
_LABELLED = "label CROSS JOIN {} USING (seq)"  # CROSS keeps the label index in front

# The inner statements read indexes only and yield numbers, which SQLite sorts; documents are read as one iterates.
_IN_ORDER = SELECT + " WHERE seq IN ({}) ORDER BY seq"
_CHILDREN = _IN_ORDER.format("SELECT seq FROM resource WHERE pi = ?")
_CHILDREN_OF_TYPE = f"{SELECT} WHERE pi = ? AND ty = ? ORDER BY seq"
_GOVERNED = _IN_ORDER.format(f"SELECT seq FROM policy WHERE address IN ({listed('?')})")  # noqa: S608


def _below(labels: int, types: bool) -> str:
    """What has no label, one, or one of several; of one label the index is in order, and nothing has to be sorted."""
    conditions = f"{_BELOW} AND {_LEVELS}" + (_TYPES if types else "")
    if labels == 1:
        return f"{_COLUMNS} {_LABELLED.format('present')} WHERE label = :label AND {conditions} ORDER BY label.seq"
    source = _LABELLED.format("resource") if labels else "resource"
    return _IN_ORDER.format(f"SELECT seq FROM {source} WHERE {conditions}" + (_LABELS if labels else ""))  # noqa: S608


_SEARCH = {(labels, types): _below(labels, types) for labels in (0, 1, 2) for types in (False, True)}


def find(connection: sqlite3.Connection, search: Search) -> sqlite3.Cursor:
    """What `Resources.search` is to find."""
    labels = len(search.labels)
    values = {
        "root": search.root,
        "slashes": None if search.levels is None else search.root.count("/") + search.levels,
        "types": orjson.dumps(list(search.types)).decode(),
        "label": search.labels[0] if labels == 1 else None,
        "labels": as_list(search.labels) if labels > 1 else None,
    }
    return connection.execute(_SEARCH[min(labels, 2), bool(search.types)], values)


def children(connection: sqlite3.Connection, ri: str, ty: int | None, *, newest_first: bool) -> sqlite3.Cursor:
    """The children of a resource, all or those of a type."""
    direction = " DESC" if newest_first else ""
    if ty is None:
        return connection.execute(_CHILDREN + direction, (ri,))
    return connection.execute(_CHILDREN_OF_TYPE + direction, (ri, ty))


def governed(connection: sqlite3.Connection, policies: Sequence[str]) -> sqlite3.Cursor:
    """What names one of these policies."""
    return connection.execute(_GOVERNED, (as_list(policies),))
