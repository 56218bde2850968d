"""From the `store` setting to a storage engine."""

from pathlib import Path

from cse.config import ConfigurationError
from cse.store import Store
from cse.store.sqlite import MemoryStore, SQLiteStore


def open_store(url: str) -> Store:
    """The engine for `sqlite:///PATH` (`sqlite:////PATH` from the root of the file system) or `memory:`.

    The caller awaits its `open()` and, in the end, `close()`. ConfigurationError for any other URL.
    """
    if url == "memory:":
        return MemoryStore()
    path = url.removeprefix("sqlite:///")
    if path == url or not path:
        raise ConfigurationError(f"store in [server] must be sqlite:///PATH or memory:, not {url!r}")
    return SQLiteStore(Path(path))
