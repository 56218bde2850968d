"""From the `store` setting to a storage engine."""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from cse.config import ConfigurationError
from cse.store import Store
from cse.store.sqlite.engine import MemoryStore, SQLiteStore
from cse.store.tinydb.engine import TinyDBStore

NETWORKS = "networks"  # the folder for the documents of networks, in the data folder
FILES: Mapping[str, Callable[[Path, Path], Store]] = {"sqlite": SQLiteStore, "tinydb": TinyDBStore}
SHARED = ("postgresql://", "postgres://")


def open_store(url: str, data_folder: Path = Path("cse-data")) -> Store:
    """The engine for the URL of a store.

    That is `sqlite:///PATH` or `tinydb:///PATH` (`////PATH` from the root of the file system), `memory:`, or
    `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`. What networks must remember is in the data folder, where the engine
    has no better place for it. The caller awaits `open()` and, in the end, `close()`. ConfigurationError for any other
    URL.
    """
    if url == "memory:":
        return MemoryStore()
    if url.startswith(SHARED):
        return _postgresql(url)
    scheme, separator, path = url.partition(":///")
    if not separator or not path or scheme not in FILES:
        raise ConfigurationError(
            "store in [server] must be sqlite:///PATH, tinydb:///PATH, memory: or"
            f" postgresql://USER:PASSWORD@HOST/DATABASE, not {scheme!r}"
        )
    return FILES[scheme](Path(path), data_folder / NETWORKS)


def _postgresql(url: str) -> Store:
    """The driver is not there without the extra, and takes a while to import: only who wants it has to have it."""
    try:
        engine = import_module("cse.store.postgresql.engine")
    except ImportError as error:
        raise ConfigurationError(
            "store in [server]: postgresql:// needs the extra `postgresql`: pip install 'cse[postgresql]'"
        ) from error
    store: Store = engine.PostgreSQLStore(url)
    return store


def without_password(url: str) -> str:
    """The URL of a store as it may be shown; what else it says about connections is left out."""
    if not url.startswith(SHARED):
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}"


def require_shared(url: str) -> None:
    """ConfigurationError unless several processes can serve the store together."""
    if not url.startswith(SHARED):
        raise ConfigurationError("--workers needs a store that processes can share: set store to postgresql://...")
