"""Documents that survive a restart, found by some of their fields."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial, reduce
from operator import and_
from typing import Any, cast

from tinydb import where
from tinydb.queries import QueryInstance
from tinydb.table import Table


class Journal:
    """One document for each group, or for each combination of what is in these `fields`.

    It writes in a thread, one change after the other, because the file is written as a whole.

    Journals with tables in the same file must not write at the same time: one file, one journal.
    """

    def __init__(self, table: Table, fields: tuple[str, ...] = ("group",)) -> None:
        self._table = table
        self._fields = fields
        self._writing = asyncio.Lock()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(document) for document in self._table)

    async def save(self, document: dict[str, Any]) -> None:
        """Write a document instead of an older one. A batch of changes is best saved once."""
        same = self._with(*(document[field] for field in self._fields))
        await self._write(partial(self._table.upsert, document, same))

    async def forget(self, *values: str) -> None:
        """Drop the document with these values of its fields."""
        await self._write(partial(self._table.remove, self._with(*values)))

    def _with(self, *values: str) -> QueryInstance:
        conditions = (where(field) == value for field, value in zip(self._fields, values, strict=True))
        return cast("QueryInstance", reduce(and_, conditions))

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
