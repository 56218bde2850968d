"""What only one process at a time does: to begin with it, and to learn that another one has taken over."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from cse.cluster.switchboard import Switchboard
from cse.core import Core
from cse.network import Engine, Network

log = logging.getLogger(__name__)


class Conductor:
    """`networks` are those of the running server: those of the conductor come in when this process becomes it.

    `lost` is set when this process has been taken for dead, or cannot do what the conductor must: others do its work,
    so it has to end at once.
    """

    def __init__(self, core: Core, switchboard: Switchboard, networks: dict[str, Network]) -> None:
        self.lost = asyncio.Event()
        self._core = core
        self._switchboard = switchboard
        self._networks = networks
        self._started: list[Network] = []
        self._reserved: dict[str, Network] = {}

    def reserve(self) -> None:
        """Put what only the conductor may run aside; where there is one process, it is that."""
        if self._core.store.company.is_shared:
            self._reserved = {name: network for name, network in self._networks.items() if not network.everywhere}
            for name in self._reserved:
                del self._networks[name]

    async def start(self, engine: Engine) -> None:
        """Join the company, and start the networks that every process runs."""
        await self._core.store.company.join(self._switchboard)
        await self._start(engine, self._networks)

    async def conduct(self, engine: Engine, begin: Callable[[], Awaitable[None]]) -> None:
        """Start the others and `begin`, at once where this is the only process, else when it is this one's turn."""
        if self._core.store.company.is_shared:
            self._core.start(self._follow(engine, begin), "conductor")
        else:
            await self._begin(engine, begin)

    async def stop(self) -> None:
        """Stop the networks and leave the company."""
        for network in self._started:
            await network.stop()
        await self._core.store.company.leave()

    async def _follow(self, engine: Engine, begin: Callable[[], Awaitable[None]]) -> None:
        losing = asyncio.ensure_future(self._core.store.company.lost())
        leading = asyncio.ensure_future(self._lead(engine, begin))
        try:
            await asyncio.wait({losing, leading}, return_when=asyncio.FIRST_COMPLETED)
            if leading.done() and leading.exception():
                log.critical("what only the conductor does cannot begin here", exc_info=leading.exception())
            else:
                await losing
            self.lost.set()
        finally:
            for task in (losing, leading):
                task.cancel()
            await asyncio.gather(losing, leading, return_exceptions=True)

    async def _lead(self, engine: Engine, begin: Callable[[], Awaitable[None]]) -> None:
        await self._core.store.company.conduct()
        await self._begin(engine, begin)

    async def _begin(self, engine: Engine, begin: Callable[[], Awaitable[None]]) -> None:
        await self._start(engine, self._reserved)
        self._networks.update(self._reserved)
        await begin()
        self._switchboard.begun()

    async def _start(self, engine: Engine, networks: Mapping[str, Network]) -> None:
        for network in networks.values():
            await network.start(engine)
            self._started.append(network)
