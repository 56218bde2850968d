"""A process that opens a store, adds resources, and ends without closing it, as one that is killed."""

import asyncio
import os
import sys

from cse.store.opening import open_store
from tests.cse.store.samples import inserting

KEPT = [f"cse/{number:03}" for number in range(200)]
CONTENT = "x" * 100


async def main(url: str) -> None:
    store = open_store(url)
    await store.open()
    await store.run(inserting(*KEPT, con=CONTENT))
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
