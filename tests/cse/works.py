"""Units of work over a tree in memory, for tests of what runs inside them."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pluggy

from cse import registry
from cse.config import ServerSettings
from cse.primitive import Operation, Request
from cse.store import Resource
from cse.store.sqlite.schema import connect, prepare
from cse.store.sqlite.transaction import SQLiteTransaction
from cse.work import Model, Work
from tests.frozen import FrozenResources

NOW = 1_800_000_000.0
TYPES = {"acp": 1, "ae": 2, "cnt": 3, "cin": 4, "grp": 9, "sub": 23}


@cache
def _plugins() -> pluggy.PluginManager:
    return registry.load_plugins()


@cache
def _model(settings: ServerSettings) -> Model:
    return registry.model(_plugins(), settings)


@contextmanager
def working(**settings: Any) -> Iterator[Work]:
    """A unit of work on a tree with nothing but the CSEBase, whose creator is the administrator.

    As with a store that shares them, values of resources must not be changed in place.
    """
    connection = connect(":memory:")
    try:
        prepare(connection)
        model = _model(ServerSettings(**settings))
        transaction = SQLiteTransaction(connection)
        transaction.resources = FrozenResources(transaction.resources)
        work = Work(transaction, model, NOW)
        base = {"ty": 5, "ri": model.naming.base_identifier, "pi": "", "rn": model.naming.cse_name}
        work.transaction.resources.insert(Resource(model.naming.cse_name, "CAdmin", base))
        yield work
    finally:
        connection.close()


def add(work: Work, path: str, kind: str = "cnt", creator: str = "Capp", **attributes: Any) -> Resource:
    """Put a resource of one of the TYPES into the tree as it is, below its parent; `ri` is its path with dots."""
    above, _, name = path.rpartition("/")
    parent = work.target(above).resource
    own = {"ty": TYPES[kind], "ri": path.replace("/", "."), "pi": parent.ri, "rn": name, "ct": "20270101T000000"}
    resource = Resource(path, creator, own | {"et": "20280101T000000"} | attributes)
    work.transaction.resources.insert(resource)
    return resource


def retrieving(to: str, originator: str = "CAdmin") -> Request:
    """A RETRIEVE."""
    return Request(Operation.RETRIEVE, to, originator, "r1")


def creating(to: str, ty: int, content: Any, originator: str = "CAdmin") -> Request:
    """A CREATE."""
    return Request(Operation.CREATE, to, originator, "r1", resource_type=ty, content=content)


def updating(to: str, content: Any, originator: str = "CAdmin") -> Request:
    """An UPDATE."""
    return Request(Operation.UPDATE, to, originator, "r1", content=content)


def deleting(to: str, originator: str = "CAdmin") -> Request:
    """A DELETE."""
    return Request(Operation.DELETE, to, originator, "r1")
