"""What the parts of a running server share: the model, the store, the clock, and the networks."""

import asyncio
import ipaddress
import logging
import math
from collections.abc import Callable, Coroutine, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from cse.config import ConfigurationError, ServerSettings
from cse.consent import WritingNeeded
from cse.network import Network
from cse.patience import Patience
from cse.stalls import Stalls
from cse.store import Store, Transaction
from cse.timing import Clock
from cse.traffic import Traffic
from cse.work import Model, Work

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_REMEMBERED_ADDRESSES = 200_000  # networks ask for every host of a group


class Core:
    """`run` and `read` carry out units of work; `effects_added` is set when effects have been committed, and then
    `effects_for_others` is called with their kinds.

    `locked` has the resources that somebody is being asked about, each with what is set when that is over.
    `deadline_moved` is set when something is to happen before `next_deadline`, which is what the worker waits for.

    `allows` says whether the operator lets requests leave for an IP address; `stalls` how long the event loop stood.
    """

    def __init__(self, model: Model, store: Store, clock: Clock, networks: Mapping[str, Network]) -> None:
        self.model = model
        self.store = store
        self.clock = clock
        self.networks = networks
        self.traffic = Traffic(clock, networks)
        self.patience = Patience(clock)
        self.effects_added = asyncio.Event()
        self.deadline_moved = asyncio.Event()
        self.next_deadline = math.inf
        self.locked: dict[str, asyncio.Event] = {}
        self.stalls = Stalls()
        self.allows: Callable[[str], bool] = lru_cache(MOST_REMEMBERED_ADDRESSES)(self._allows)
        self._allowed = [_ip_network(text) for text in model.settings.allowed_targets]
        self.effects_for_others: Callable[[set[str]], None] = lambda kinds: None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def settings(self) -> ServerSettings:
        return self.model.settings

    @property
    def multicast(self) -> tuple[int, str]:
        """How this CSE is reached by multicast (m2m:multicastCapability, 0 for not at all), and its externalGroupID.

        It can say one way only: that by which the operator has made it a member of a group counts first.
        """
        ways = [(network.multicast_capability, network.external_group) for network in self.networks.values()]
        return max(ways, key=lambda way: (bool(way[1]), way[0]), default=(0, ""))

    async def run(self, unit: Callable[[Work], T]) -> T:
        """Carry out a unit and return after its durable commit."""

        def inside(transaction: Transaction) -> tuple[T, Work]:
            work = self._work(transaction)
            return unit(work), work

        result, work = await self.store.run(inside)
        if work.effects:
            self.effects_added.set()
            self.effects_for_others(work.effects)
        self.due_at(work.deadline)
        return result

    def due_at(self, moment: float) -> None:
        """Something may be due at this moment, which is looked at then."""
        if moment < self.next_deadline:
            self.next_deadline = moment
            self.deadline_moved.set()

    async def read(self, unit: Callable[[Work], T]) -> T:
        """Carry out a unit that changes nothing."""
        return await self.store.read(lambda transaction: unit(self._work(transaction, reads_only=True)))

    async def consult(self, unit: Callable[[Work], T]) -> T:
        """Carry out a unit that reads, and may then find something to write: it is run again for that."""
        try:
            return await self.read(unit)
        except WritingNeeded:
            return await self.run(unit)

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something beside the requests; it is cancelled when the server stops."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def stop_tasks(self) -> None:
        """Cancel what `start` has started and is still running, and what that starts in turn."""
        while tasks := list(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self.patience.close()

    def _allows(self, address: str) -> bool:
        try:
            target = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(target in network for network in self._allowed)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s failed", task.get_name(), exc_info=error)

    def _work(self, transaction: Transaction, *, reads_only: bool = False) -> Work:
        return Work(transaction, self.model, self.clock.now(), reads_only, self.locked)


def _ip_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ConfigurationError(f"allowed_targets in [server] must be networks such as 10.0.0.0/8: {error}") from error
