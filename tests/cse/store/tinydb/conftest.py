"""A store in a folder of its own, and what its tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cse.store import Store
from tests.cse.store.tinydb.samples import opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "cse.json"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[Store]:
    async with opened(file) as store:
        yield store
