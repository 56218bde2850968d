"""Processes that serve one store together: who they are, and requests that outlive any one of them."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import aiohttp

from tests.programs import Program, program
from tests.servers import Answer, Client, eventually

Choose = Callable[[Client], Awaitable[int]]  # one of them, by its process number

PAUSE = 0.05
LONG = 60.0  # seconds: another process has to start, and others compute meanwhile


@asynccontextmanager
async def workers(
    folder: Path, database: str, *settings: str, count: int = 3, log: IO[bytes] | None = None
) -> AsyncIterator[Program]:
    """`cse serve --workers`; nobody is left in the end."""
    arguments = ("--workers", str(count), "--store", database)
    async with program(folder, *settings, log=log, arguments=arguments) as server:
        try:
            yield server
        finally:
            await server.kill(signal.SIGTERM)


async def crew(client: Client, count: int = 3) -> dict[int, bool]:
    """Process numbers of all who answer at one address, and who conducts: one of them. Waits for so many."""
    found: dict[int, bool] = {}

    async def ask() -> bool:
        answer = await persistently(lambda: client.get("/.cse/health", Connection="close"))
        found[answer.content["pid"]] = answer.content["conducts"]
        for gone in [number for number in found if not is_alive(number)]:
            del found[gone]
        return len(found) == count and list(found.values()).count(True) == 1

    await eventually(ask, bool, LONG)
    return found


async def conductor(client: Client, count: int = 3) -> int:
    """The process number of the one that conducts."""
    return next(number for number, conducts in (await crew(client, count)).items() if conducts)


async def another(client: Client, count: int = 3) -> int:
    """The process number of one that does not."""
    return next(number for number, conducts in (await crew(client, count)).items() if not conducts)


async def persistently(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer to a request, which is sent again when its connection breaks."""
    async with asyncio.timeout(LONG):
        while True:
            try:
                return await ask()
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(PAUSE)


def is_alive(process: int) -> bool:
    """Whether a process of that number runs; one that has ended and has not been waited for does not."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def children(process: int) -> list[int]:
    """The process numbers of those that a process has started."""
    return [int(number) for number in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
