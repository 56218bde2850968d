"""Tells the networks who the members of a group are, so that they can set up what a broadcast to them needs."""

import logging

from cse.core import Core
from cse.errors import CSEError
from cse.fanout.managed import devices
from cse.fanout.members import freeze
from cse.network import Host, Network
from cse.primitive import Operation, Request
from cse.store import Effect, Search
from cse.work import Work

log = logging.getLogger(__name__)


class Sessions:
    """One preparation per group and network at a time; of changes that come meanwhile the last one counts."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._frozen: set[str] = set()
        self._again: set[str] = set()
        self._wanted: dict[tuple[str, str], list[Host]] = {}

    async def group_changed(self, effect: Effect) -> None:
        """The handler of the outbox: returns at once, setting up may take long."""
        self.prepare(effect.document["group"])

    async def neighbours_changed(self, effect: Effect) -> None:
        """The same where other CSEs can be reached, or can do something, that could not: groups have members there."""
        for group in await self._core.read(lambda work: work.transaction.lists.holders(None)):
            self.prepare(group)

    async def prepare_all(self) -> None:
        """After a start: every group that there is."""
        for group in await self._core.read(_groups):
            self.prepare(group)

    def prepare(self, group: str) -> None:
        """Let every network know the hosts of this group as they are now."""
        if group in self._frozen:
            self._again.add(group)
        else:
            self._frozen.add(group)
            self._core.start(self._freeze(group), f"members of {group}")

    async def _freeze(self, group: str) -> None:
        try:
            hosts = await self._core.read(lambda work: _hosts(work, group))
        finally:
            self._frozen.discard(group)
        for network in self._core.networks.values():
            self._hand_over(network, group, hosts)
        if group in self._again:
            self._again.discard(group)
            self.prepare(group)

    def _hand_over(self, network: Network, group: str, hosts: list[Host]) -> None:
        key = network.name, group
        idle = key not in self._wanted
        self._wanted[key] = hosts
        if idle:
            self._core.start(self._prepare(network, group), f"{network.name} prepares {group}")

    async def _prepare(self, network: Network, group: str) -> None:
        """Until the network has prepared what is wanted last."""
        key = network.name, group
        prepared: list[Host] | None = None
        while (hosts := self._wanted[key]) is not prepared:
            await _isolated(network, group, hosts)
            prepared = hosts
        del self._wanted[key]


async def _isolated(network: Network, group: str, hosts: list[Host]) -> None:
    try:
        await network.prepare(group, hosts)
    except Exception:
        log.exception("network %s failed to prepare group %s", network.name, group)


def _groups(work: Work) -> list[str]:
    fanning = [
        number
        for number, kind in work.model.types.items()
        if any(child.fans_out for child in kind.virtual_children.values())
    ]
    return [group.ri for group in work.transaction.resources.search(Search(work.model.naming.cse_name, fanning))]


def _hosts(work: Work, group: str) -> list[Host]:
    """Every host of the group, in the name of the CSE itself; none when the group has gone or is empty."""
    (name,) = work.model.fan_out_names
    request = Request(Operation.NOTIFY, f"{group}/{name}", work.model.naming.cse_id, "")
    try:
        frozen = freeze(work, request)
    except CSEError:
        return []
    found = frozen.hosts
    if len(found) < len(frozen.rows):
        found = {device.id: device for device in devices(work, group)} | found
    return list(found.values())
