"""Removes resources when their time is over, as a deletion that nobody asked for."""

from cse.core import Core
from cse.resource import Work
from cse.timing import timestamp
from cse.tree import remove

INTERVAL = 1.0  # seconds; timestamps have no finer unit, and what has expired is not shown any more in between
BATCH = 100


class Expiry:
    """One worker for all resources."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def run(self) -> None:
        """Look again and again, for ever."""
        while True:
            removed = await self._core.run(_remove_expired)
            if removed < BATCH:
                await self._core.clock.sleep(INTERVAL)


def _remove_expired(work: Work) -> int:
    expired = work.transaction.resources.expired(timestamp(work.now), BATCH)
    for resource in expired:
        if work.transaction.resources.get(resource.ri) is not None:  # it may have gone with its parent
            remove(work, resource)
    return len(expired)
