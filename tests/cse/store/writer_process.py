"""A process that writes until it is killed, and prints the path of every resource once its unit is acknowledged."""

import asyncio
import itertools
import sys

from cse.store import Store
from cse.store.opening import open_store
from tests.cse.store.samples import inserting


async def write(store: Store, worker: int) -> None:
    for number in itertools.count():
        path = f"cse/{worker}-{number}"
        await store.run(inserting(path, lbl=["kept"]))
        sys.stdout.write(path + "\n")
        sys.stdout.flush()


async def main(url: str) -> None:
    store = open_store(url)
    await store.open()
    async with asyncio.TaskGroup() as tasks:
        for worker in range(20):
            tasks.create_task(write(store, worker))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
