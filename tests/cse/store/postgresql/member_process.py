"""A process that joins, claims effects and conducts, and says so, until it is killed."""

import asyncio
import sys

from cse.store.postgresql.engine import PostgreSQLStore
from tests.cse.store.postgresql.colleagues import Ear


async def main(url: str) -> None:
    store = PostgreSQLStore(url)
    await store.open()
    await store.company.join(Ear())
    await store.company.conduct()
    claimed = await store.run(lambda transaction: transaction.effects.claim(10))
    sys.stdout.write(f"{store.company.process} {len(claimed)}\n")
    sys.stdout.flush()
    await store.company.lost()
    sys.stdout.write("lost\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
