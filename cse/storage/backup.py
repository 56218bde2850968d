"""Copies a store into a SQLite file while a server works with it."""

import asyncio
import os
import shutil
from pathlib import Path
from tempfile import mkdtemp

from cse.config import ConfigurationError
from cse.storage.convert import fill, remembered
from cse.storage.places import Place
from cse.store import Store
from cse.store.documents import sync
from cse.store.filling import require_whole
from cse.store.opening import NETWORKS

UNFINISHED = ".part"  # how the name of the folder ends in which a backup grows


async def back_up(source: Place, file: Path) -> None:
    """Make the file, whole and durable, with the documents of networks in the folder beside it.

    ConfigurationError if it can't be done; nothing is left then. Only a process that is killed leaves the folder in
    which the backup has grown.
    """
    networks = file.parent / NETWORKS
    for there in (file, networks):
        if there.exists():
            raise ConfigurationError(f"{there} exists: give each backup a folder of its own")
    async with source.opened(reads_only=True) as store:
        await store.read(require_whole)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            grown = Path(mkdtemp(UNFINISHED, f"{file.name}.", file.parent))
            try:
                await _grow(store, grown / file.name, source.shown)
                await asyncio.to_thread(_put_in_place, grown, file, networks)
            finally:
                shutil.rmtree(grown)
        except OSError as error:
            raise ConfigurationError(f"cannot write {file}: {error}") from error


async def _grow(store: Store, file: Path, source: str) -> None:
    place = Place(f"sqlite:///{file}", file.parent)
    if await store.copy(file):
        async with place.opened(reads_only=True) as copied:
            if found := await copied.check():
                raise ConfigurationError(f"{source} is damaged, and so would be a copy: {found[0]}")
            for name, content in remembered(store).items():
                copied.documents(name).write(content)
    else:
        async with place.opened() as filled:
            await fill(filled, store, f"a copy of {source}")


def _put_in_place(grown: Path, file: Path, networks: Path) -> None:
    """The file itself comes last; it must not be there yet."""
    sync(grown / file.name)
    if (grown / NETWORKS).exists():
        (grown / NETWORKS).rename(networks)
        sync(networks)
    os.link(grown / file.name, file)
    sync(file.parent)
