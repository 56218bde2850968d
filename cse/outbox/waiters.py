"""Who waits for which effects."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager


class Waiter:
    """Waits until it has been told of all its effects; those that are `left` have not been told of yet."""

    def __init__(self, effects: Iterable[int]) -> None:
        self.left = set(effects)
        self.over = asyncio.Event()

    def told(self, effects: Collection[int]) -> None:
        """These are settled."""
        self.left.difference_update(effects)
        if not self.left:
            self.over.set()


class Waiters:
    """Nothing is kept for effects that nobody waits for."""

    def __init__(self) -> None:
        self._by_effect: defaultdict[int, set[Waiter]] = defaultdict(set)

    def __iter__(self) -> Iterator[int]:
        """The effects that somebody waits for."""
        return iter(list(self._by_effect))

    def __contains__(self, effect: int) -> bool:
        return effect in self._by_effect

    def tell(self, effect: int) -> None:
        """It is settled."""
        for waiter in list(self._by_effect.get(effect, ())):
            waiter.told([effect])

    @contextmanager
    def enter(self, effects: Iterable[int]) -> Iterator[Waiter]:
        """Somebody who waits as long as the context lasts."""
        waiter = Waiter(effects)
        entered = list(waiter.left)
        for effect in entered:
            self._by_effect[effect].add(waiter)
        try:
            yield waiter
        finally:
            for effect in entered:
                self._leave(effect, waiter)

    def _leave(self, effect: int, waiter: Waiter) -> None:
        self._by_effect[effect].discard(waiter)
        if not self._by_effect[effect]:
            del self._by_effect[effect]
