"""Few effects are in memory; the others are read again, several at a time, when it is their turn."""

import asyncio

import pytest

from cse.outbox.holdings import Holdings
from cse.store import Effect


class Shelf:
    """Has effects with these numbers, and remembers what was read."""

    def __init__(self, *numbers: int, near: range = range(1000)) -> None:
        self.numbers = list(numbers)
        self.read: list[tuple[int, int]] = []
        self.holdings = Holdings(self._read, near.__contains__)

    async def _read(self, first: int, most: int) -> list[Effect]:
        self.read.append((first, most))
        await asyncio.sleep(0)
        return [effect(number) for number in self.numbers if number >= first][:most]


def effect(number: int) -> Effect:
    return Effect(number, "test", {})


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cse.outbox.holdings.MOST_HELD", 3)
    monkeypatch.setattr("cse.outbox.holdings.PORTION", 2)


async def test_what_is_kept_is_not_read_again() -> None:
    shelf = Shelf()
    for number in (1, 2, 3, 4):
        shelf.holdings.keep(effect(number))
    assert await shelf.holdings.get(3) == effect(3)
    assert shelf.read == []
    assert await shelf.holdings.get(4) is None
    assert shelf.read == [(4, 1)]


async def test_what_follows_is_read_at_the_same_time() -> None:
    shelf = Shelf(5, 6, 7, 9)
    assert await asyncio.gather(*map(shelf.holdings.get, (5, 6, 7))) == [effect(5), effect(6), effect(7)]
    assert shelf.read == [(5, 2), (7, 1)]
    shelf.holdings.drop(5)
    shelf.holdings.drop(6)
    assert await shelf.holdings.get(8) is None


async def test_what_is_far_away_is_not_kept() -> None:
    shelf = Shelf(1, 2, 3, near=range(3, 9))
    assert [await shelf.holdings.get(number) for number in (1, 2, 3)] == [effect(1), effect(2), effect(3)]
    assert shelf.read == [(1, 2), (2, 2)]
