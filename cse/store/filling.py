"""The mark on a store that is being filled from another one: nobody serves it before all of it is there."""

from itertools import islice

from cse.config import ConfigurationError
from cse.store import Resource, Transaction

MARK = "!filling"  # no resource can have this name


def begin(transaction: Transaction) -> None:
    """Put the mark on an empty store; ConfigurationError if there is something in it."""
    if is_being_filled(transaction):
        raise ConfigurationError("what another conversion has left unfinished is in it: remove it first")
    if not _is_empty(transaction):
        raise ConfigurationError("it is not empty: name a store that does not exist yet, or remove it first")
    transaction.resources.insert(_mark())


def end(transaction: Transaction) -> None:
    """All of it is there."""
    transaction.resources.remove(_mark())


def is_being_filled(transaction: Transaction) -> bool:
    """Whether something is missing."""
    return transaction.resources.get(MARK) is not None


def require_whole(transaction: Transaction) -> None:
    """ConfigurationError if something is missing."""
    if is_being_filled(transaction):
        raise ConfigurationError(
            "store in [server]: a conversion into it has not been finished; remove it, and convert once more"
        )


def _mark() -> Resource:
    return Resource(MARK, "", {"ri": MARK, "pi": "", "rn": MARK, "ty": 0})


def _is_empty(transaction: Transaction) -> bool:
    found = (row for table in transaction.tables.values() for row in islice(table.export(), 2))
    return all(row == ("last", 0) for row in found)
