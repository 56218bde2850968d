"""Retrieves what a unit of work wants to know of resources on other CSEs (`cse.consent.AnswersNeeded`)."""

import asyncio
import secrets
from collections.abc import Iterable

from cse.core import Core
from cse.door import Door
from cse.primitive import Operation, Request, Response, error_response

PARALLEL = 32
SILENT = error_response(5103, "no answer in time")


class Inquiry:
    """All addresses at the same time, but for a limit that all inquiries share, and for a bounded time."""

    def __init__(self, core: Core, door: Door) -> None:
        self._core = core
        self._door = door
        self._slots = asyncio.Semaphore(PARALLEL)

    async def answers(self, addresses: Iterable[str], originator: str) -> dict[str, Response]:
        """The response for each address, 5103 where none has come within `blocking_deadline`."""
        found = dict.fromkeys(addresses, SILENT)

        async def retrieve(address: str) -> None:
            async with self._slots:
                found[address] = await self._door.request(_retrieval(address, originator))

        asking = asyncio.gather(*map(retrieve, found))
        await self._core.clock.within(self._core.settings.blocking_deadline, asking)
        return found


def _retrieval(address: str, originator: str) -> Request:
    identifier = "inq" + secrets.token_hex(8)
    return Request(Operation.RETRIEVE, address, originator, identifier, release_version="3")
