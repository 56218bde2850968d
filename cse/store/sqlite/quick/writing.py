"""Batches in SQL: few statements, each for many rows.

A statement takes the lock of the interpreter from the event loop and gives it back, so one for each row would keep both
threads waiting for each other.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any

import orjson

from cse.errors import Conflict
from cse.slices import batches
from cse.store import Resource
from cse.store.sqlite.alarms import CANCEL
from cse.store.sqlite.quick.batch import Batch, Change
from cse.store.sqlite.resources import INDEXED
from cse.store.sqlite.transaction import SQLiteTransaction

AT_ONCE = 64  # rows of one statement

_INSERT = "INSERT INTO resource (seq, ri, pi, ty, path, key, et, creator, document) VALUES {}"
_CHANGE = (
    "WITH new (ri, et, document) AS (VALUES {}) UPDATE resource SET et = new.et, document = new.document"
    " FROM new WHERE resource.ri = new.ri"
)
# The same where no index is concerned.
_CHANGE_DOCUMENT = (
    "WITH new (ri, document) AS (VALUES {}) UPDATE resource SET document = new.document FROM new"
    " WHERE resource.ri = new.ri"
)
_SET = "INSERT OR REPLACE INTO alarm (ri, name, due) VALUES {}"
_ADD_EFFECTS = "INSERT INTO effect (id, kind, document, lane) VALUES {}"
_LISTED = "(SELECT value FROM json_each(?))"
_REMOVE = f"DELETE FROM resource WHERE ri IN {_LISTED}"  # noqa: S608
_NUMBERS = f"(SELECT seq FROM resource WHERE ri IN {_LISTED})"  # noqa: S608
_FORGET = [f"DELETE FROM {table} WHERE seq IN {_NUMBERS}" for table in ("label", "policy")]  # noqa: S608
_CLAIM = "INSERT INTO temp.claimed SELECT value FROM json_each(?)"
_CARRIED_OUT = [f"DELETE FROM {table} WHERE id IN {_LISTED}" for table in ("effect", "temp.claimed")]  # noqa: S608

Execute = Callable[[str, Sequence[Any]], sqlite3.Cursor]


def write(batch: Batch, transaction: SQLiteTransaction) -> None:
    """A unit of work that does what those of the batch have done; Conflict if something is there that must not be."""
    execute = transaction.connection.execute
    try:
        _resources(batch, execute)
    except sqlite3.IntegrityError as error:
        raise Conflict("something with the name or identifier of a new resource is there already") from error
    _alarms(batch, execute)
    _effects(batch, execute)
    for campaign, rows in batch.rows.items():
        transaction.campaigns.write(campaign, rows.values())


def _resources(batch: Batch, execute: Execute) -> None:
    _with_list(execute, _REMOVE, batch.removed)
    _with_values(execute, _INSERT, (_new(batch, *entry) for entry in batch.inserted.values()))
    _with_values(execute, _CHANGE, (_ended(batch, each) for each in batch.changed.values() if each.ends_otherwise))
    _with_values(
        execute,
        _CHANGE_DOCUMENT,
        ((ri, _document(batch, each.resource)) for ri, each in batch.changed.items() if not each.ends_otherwise),
    )
    found_otherwise = [each.resource for each in batch.changed.values() if each.is_found_otherwise]
    for statement in _FORGET:
        _with_list(execute, statement, [resource.ri for resource in found_otherwise])
    found_otherwise += [resource for _, resource in batch.inserted.values()]
    for name, statement in INDEXED.items():
        for resource in found_otherwise:
            for text in resource.attributes.get(name) or ():
                execute(statement, (text, resource.ri))


def _alarms(batch: Batch, execute: Execute) -> None:
    _with_values(execute, _SET, ((*key, due) for key, due in batch.alarms.items() if due is not None))
    for key in (key for key, due in batch.alarms.items() if due is None):
        execute(CANCEL, key)


def _effects(batch: Batch, execute: Execute) -> None:
    _with_values(execute, _ADD_EFFECTS, batch.effects.values())
    _with_list(execute, _CLAIM, batch.claimed)
    for statement in _CARRIED_OUT:
        _with_list(execute, statement, batch.carried_out)


def _new(batch: Batch, number: int, resource: Resource) -> tuple[Any, ...]:
    values = resource.attributes
    key, et, document = values.get("_key"), values.get("et"), _document(batch, resource)
    return number, values["ri"], values["pi"], values["ty"], resource.path, key, et, resource.creator, document


def _ended(batch: Batch, change: Change) -> tuple[Any, ...]:
    resource = change.resource
    return resource.ri, resource.attributes.get("et"), _document(batch, resource)


def _document(batch: Batch, resource: Resource) -> bytes:
    document = orjson.dumps(resource.attributes)
    batch.sizes[resource.ri] = len(document)
    return document


def _with_values(execute: Execute, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    for portion in batches(rows, AT_ONCE):
        execute(_filled(statement, len(portion), len(portion[0])), tuple(chain.from_iterable(portion)))


@cache  # one for each number of rows
def _filled(statement: str, rows: int, columns: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return statement.format(", ".join([row] * rows))


def _with_list(execute: Execute, statement: str, values: Iterable[Any]) -> None:
    listed = list(values)
    if listed:
        execute(statement, (orjson.dumps(listed).decode(),))
