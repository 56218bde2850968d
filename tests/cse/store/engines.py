"""The engines that the tests of the contract run over."""

from collections.abc import Callable, Mapping
from pathlib import Path

from cse.store import Store
from cse.store.opening import open_store
from tests.postgresql import new_database

# From an empty folder to the URL of a store that is empty.
ENGINES: Mapping[str, Callable[[Path], str]] = {
    "memory": lambda folder: "memory:",
    "sqlite": lambda folder: f"sqlite:///{folder}/data/cse.sqlite",
    "tinydb": lambda folder: f"tinydb:///{folder}/data/cse.json",
    "postgresql": lambda folder: new_database(),
}
DURABLE = [name for name in ENGINES if name != "memory"]
SLOW = "postgresql"  # a server of its own, with a new database for each store


def store_at(url: str, folder: Path) -> Store:
    """The store of this URL, not open yet; what networks remember is in the folder."""
    return open_store(url, folder / "data")
