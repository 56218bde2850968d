"""Where a store is: its URL, and the folder with what networks remember."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from cse.config import ConfigurationError
from cse.store import Store
from cse.store.opening import FILES, open_store, without_password

DATA_FOLDER = Path("cse-data")


class Place(NamedTuple):
    """One store, and its data folder."""

    url: str
    data_folder: Path

    @classmethod
    def of(cls, url: str, data_folder: Path | None) -> "Place":
        """By default the data folder is that of the store's file, as `cse serve --data` has it."""
        if url == "memory:":
            raise ConfigurationError("memory: is gone when its server stops: name the URL of another store")
        file = _file(url)
        return cls(url, data_folder or (DATA_FOLDER if file is None else file.parent))

    @property
    def shown(self) -> str:
        """The URL without the password that it may have."""
        return without_password(self.url)

    def is_at(self, other: "Place") -> bool:
        """Whether both are the same store."""
        here, there = _file(self.url), _file(other.url)
        if here is None or there is None:
            return self.url == other.url
        return here.resolve() == there.resolve()

    @asynccontextmanager
    async def opened(self, *, reads_only: bool = False) -> AsyncIterator[Store]:
        """The store, until the end of the block; ConfigurationError if it can't be used."""
        store = open_store(self.url, self.data_folder)
        await store.open(reads_only=reads_only)
        try:
            yield store
        finally:
            await store.close()


def _file(url: str) -> Path | None:
    scheme, _, path = url.partition(":///")
    return Path(path) if scheme in FILES else None
