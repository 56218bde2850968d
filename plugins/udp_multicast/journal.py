"""The documents of groups, one per group, that survive a restart."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tinydb import where
from tinydb.table import Table


class Journal:
    """Writes in a thread, one change after the other, because the file is written as a whole.

    Journals with tables in the same file must not write at the same time: one file, one journal.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._writing = asyncio.Lock()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(document) for document in self._table)

    async def save(self, document: dict[str, Any]) -> None:
        """Write the document of its `group`, instead of an older one. A batch of changes is best saved once."""
        await self._write(partial(self._table.upsert, document, where("group") == document["group"]))

    async def forget(self, group: str) -> None:
        """Drop the document of a group."""
        await self._write(partial(self._table.remove, where("group") == group))

    async def written(self) -> None:
        """Return when nothing is being written any longer."""
        async with self._writing:
            return

    async def _write(self, change: Callable[[], object]) -> None:
        # A cancelled set-up must not leave a thread that writes beside the next one.
        await asyncio.shield(self._write_in_turn(change))

    async def _write_in_turn(self, change: Callable[[], object]) -> None:
        async with self._writing:
            await asyncio.to_thread(change)
