"""A store in a file, with something to put children into."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cse.store import Store
from tests.cse.store.engines import store_at
from tests.cse.store.samples import inserting


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = store_at(f"sqlite:///{tmp_path}/cse.sqlite", tmp_path)
    await opened.open()
    await opened.run(inserting("cse", "cse/box"))
    yield opened
    await opened.close()
