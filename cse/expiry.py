"""Removes resources when their time is over, as a deletion that nobody asked for."""

import logging

from cse.core import Core
from cse.resource import Work
from cse.timing import timestamp
from cse.tree.delete import remove

log = logging.getLogger(__name__)

INTERVAL = 1.0  # seconds; timestamps have no finer unit, and what has expired is not shown any more in between
BATCH = 100


class Expiry:
    """One worker for all resources."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def run(self) -> None:
        """Look again and again, for ever."""
        while True:
            if await self._round() < BATCH:
                await self._core.clock.sleep(INTERVAL)

    async def _round(self) -> int:
        """How many have been removed. What goes wrong with one resource must not keep all others for ever."""
        try:
            return await self._core.run(_remove_expired)
        except Exception:
            log.exception("removing expired resources failed")
            return 0


def _remove_expired(work: Work) -> int:
    expired = work.transaction.resources.expired(timestamp(work.now), BATCH)
    for resource in expired:
        if work.transaction.resources.get(resource.ri) is not None:  # it may have gone with its parent
            remove(work, resource)
    return len(expired)
