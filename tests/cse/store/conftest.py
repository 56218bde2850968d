"""Every test that asks for `store` runs over every engine."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cse.store import Store
from cse.store.opening import open_store


@pytest.fixture(params=["memory:", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory:" if request.param == "memory:" else f"sqlite:///{tmp_path}/data/cse.sqlite"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = open_store(url)
    await opened.open()
    yield opened
    await opened.close()
