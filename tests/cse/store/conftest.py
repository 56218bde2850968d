"""Every test that asks for `store` runs over every engine, every one that asks for `durable` over those that last."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cse.store import Store
from tests.cse.store.engines import DURABLE, ENGINES, store_at


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return ENGINES[request.param](tmp_path)


@pytest.fixture
async def store(url: str, tmp_path: Path) -> AsyncIterator[Store]:
    opened = store_at(url, tmp_path)
    await opened.open()
    yield opened
    await opened.close()


class Durable:
    """A store that is open, and can be closed and opened again by another object."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._folder = folder
        self.store = self.another()

    def another(self) -> Store:
        """The same store once more, not open yet."""
        return store_at(self.url, self._folder)

    async def reopen(self) -> Store:
        await self.store.close()
        self.store = self.another()
        await self.store.open()
        return self.store


@pytest.fixture(params=DURABLE)
async def durable(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Durable]:
    made = Durable(ENGINES[request.param](tmp_path), tmp_path)
    await made.store.open()
    yield made
    await made.store.close()
