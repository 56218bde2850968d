"""Indexes in memory: what leads from a part of a document to the numbers of the documents that have it."""

import math
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from sortedcontainers import SortedList  # type: ignore[import-untyped]

Document = Mapping[str, Any]
Key = tuple[Any, ...]
Entry = tuple[Key, int]  # and the number of a document that has this key
Keys = Callable[[Document], Iterable[Key]]

PIECE = 32  # entries that an iteration takes at once


class Index(ABC):
    """`keys` says under what a document is found."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.clear()

    def change(self, number: int, before: Document | None, after: Document | None) -> None:
        """A document has come, changed or gone."""
        old = () if before is None else tuple(self.keys(before))
        new = () if after is None else tuple(self.keys(after))
        if old != new:
            for key in old:
                self._discard(key, number)
            for key in new:
                self._add(key, number)

    def agrees_with(self, documents: Iterable[tuple[int, Document]]) -> bool:
        """Whether it says what one would that was made of these documents."""
        other = type(self)(self.keys)
        other.load((key, number) for number, document in documents for key in self.keys(document))
        return bool(self.content == other.content)

    def load(self, entries: Iterable[Entry]) -> None:
        """Have these and no others."""
        self.clear()
        for key, number in entries:
            self._add(key, number)

    @abstractmethod
    def clear(self) -> None:
        """Forget everything."""

    @property
    @abstractmethod
    def content(self) -> Any:
        """Equal for indexes that say the same."""

    @abstractmethod
    def _add(self, key: Key, number: int) -> None:
        """The document of this number has this key."""

    @abstractmethod
    def _discard(self, key: Key, number: int) -> None:
        """It has not any more."""


class Unique(Index):
    """One document at most has a key."""

    def get(self, *key: Any) -> int | None:
        """The number of the document."""
        return self._numbers.get(key)

    def clear(self) -> None:
        self._numbers: dict[Key, int] = {}

    @property
    def content(self) -> dict[Key, int]:
        return self._numbers

    def _add(self, key: Key, number: int) -> None:
        self._numbers[key] = number

    def _discard(self, key: Key, number: int) -> None:
        del self._numbers[key]


class Sorted(Index):
    """Entries are keys with the number at their end, in order. Keys have texts and numbers as their parts."""

    def numbers(self, *prefix: Any) -> list[int]:
        """Of the documents whose keys begin so, in the order of their keys."""
        return [entry[-1] for entry in self.below(*prefix)]

    def first(self, *prefix: Any) -> Key | None:
        """The first entry that begins so."""
        return next(self.below(*prefix), None)

    def below(self, *prefix: Any) -> Iterator[Key]:
        """The entries that begin so; the index must not change meanwhile."""
        return self.span(prefix, _behind(prefix) if prefix else None)

    def span(self, low: Key | None, high: Key | None = None) -> Iterator[Key]:
        """The entries from one on until before another; the index must not change meanwhile."""
        found: Iterator[Key] = self._entries.irange(low, high, (True, False))
        return found

    def walk(self, low: Key, high: Key, *, backwards: bool = False) -> Iterator[Key]:
        """The same in either direction; the index may change meanwhile."""
        while piece := list(islice(self._entries.irange(low, high, (True, False), backwards), PIECE)):
            yield from piece
            if backwards:
                high = piece[-1]
            else:
                low = (*piece[-1], -math.inf)

    def load(self, entries: Iterable[Entry]) -> None:
        self._entries = SortedList([(*key, number) for key, number in entries])

    def clear(self) -> None:
        self._entries = SortedList()

    @property
    def content(self) -> list[Key]:
        return list(self._entries)

    def _add(self, key: Key, number: int) -> None:
        self._entries.add((*key, number))

    def _discard(self, key: Key, number: int) -> None:
        self._entries.discard((*key, number))


class Tally(Index):
    """How many documents have a key; the first part of a key is what they are counted by, the rest is what is told."""

    def of(self, what: Any) -> Mapping[Key, int]:
        """How many there are of each kind."""
        return self._counts.get(what, {})

    def clear(self) -> None:
        self._counts: defaultdict[Any, Counter[Key]] = defaultdict(Counter)

    @property
    def content(self) -> dict[Any, Counter[Key]]:
        return self._counts

    def _add(self, key: Key, number: int) -> None:
        self._counts[key[0]][key[1:]] += 1

    def _discard(self, key: Key, number: int) -> None:
        counts = self._counts[key[0]]
        counts[key[1:]] -= 1
        if not counts[key[1:]]:
            del counts[key[1:]]
        if not counts:
            del self._counts[key[0]]


def _behind(prefix: Key) -> Key:
    """What comes right after everything that begins so."""
    last = prefix[-1]
    return (*prefix[:-1], last + "\0" if isinstance(last, str) else last + 1)
