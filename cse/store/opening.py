"""From the `store` setting to a storage engine."""

from pathlib import Path

from cse.config import ConfigurationError
from cse.store import Store
from cse.store.sqlite.engine import MemoryStore, SQLiteStore

NETWORKS = "networks"  # the folder for the documents of networks, in the data folder
SHARED = ("postgresql://", "postgres://")


def open_store(url: str, data_folder: Path = Path("cse-data")) -> Store:
    """The engine for `sqlite:///PATH` (`sqlite:////PATH` from the root of the file system) or `memory:`.

    What networks must remember is in the data folder, where the engine has no better place for it. The caller awaits
    `open()` and, in the end, `close()`. ConfigurationError for any other URL.
    """
    if url == "memory:":
        return MemoryStore()
    path = url.removeprefix("sqlite:///")
    if path == url or not path:
        raise ConfigurationError(f"store in [server] must be sqlite:///PATH or memory:, not {url!r}")
    return SQLiteStore(Path(path), data_folder / NETWORKS)


def require_shared(url: str) -> None:
    """ConfigurationError unless several processes can serve the store together."""
    if not url.startswith(SHARED):
        raise ConfigurationError("--workers needs a store that processes can share: set store to postgresql://...")
