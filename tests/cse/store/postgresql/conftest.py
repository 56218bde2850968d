"""Two stores on one database, as two processes would have them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from cse.store.postgresql.engine import PostgreSQLStore
from tests.postgresql import Server, drop_database, new_database


@pytest.fixture
def database() -> Iterator[str]:
    url = new_database()
    yield url
    drop_database(url)


@pytest.fixture
async def pair(database: str) -> AsyncIterator[tuple[PostgreSQLStore, PostgreSQLStore]]:
    async with AsyncExitStack() as held:
        stores = PostgreSQLStore(database), PostgreSQLStore(database)
        for store in stores:
            await store.open()
            held.push_async_callback(store.close)
        yield stores


@pytest.fixture
def server() -> Iterator[Server]:
    """One that the test may stop."""
    started = Server()
    yield started
    started.close()
