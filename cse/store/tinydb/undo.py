"""What a transaction has done so far: how it is undone, and which documents are to be written."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

T = TypeVar("T")

Place = tuple[str, int]  # the name of a table and the number of a document


class Step(NamedTuple):
    """Something that was done; `place` is the document that it has changed, if it was one."""

    undo: Callable[[], None]
    place: Place | None


class Log:
    """One for all tables. `unit` is another object for each unit of work."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self.reads_only = True
        self.unit = object()

    def record(self, undo: Callable[[], None], place: Place | None = None) -> None:
        """Call it before each change."""
        if self.reads_only:
            raise RuntimeError("the store is readonly for a unit that only reads; use run instead of read")
        self._steps.append(Step(undo, place))

    def mark(self) -> int:
        """A point to which everything can be undone."""
        return len(self._steps)

    def undo(self, mark: int = 0) -> None:
        """Undo what was done since."""
        while len(self._steps) > mark:
            self._steps.pop().undo()

    def places(self) -> Iterator[Place]:
        """The documents that have changed, each once."""
        return iter(dict.fromkeys(step.place for step in self._steps if step.place))

    def clear(self) -> None:
        """It is durable now."""
        self._steps.clear()

    def during_unit(self, items: Iterable[T]) -> Iterator[T]:
        """The items, as long as the unit is under way that calls this."""
        return self._while(self.unit, items)

    def _while(self, unit: object, items: Iterable[T]) -> Iterator[T]:
        self._check(unit)
        for item in items:
            yield item
            self._check(unit)

    def _check(self, unit: object) -> None:
        if unit is not self.unit:
            raise RuntimeError("closed cursor: the iteration has ended with its unit")
