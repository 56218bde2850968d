"""What the networks offer to the hosts of one campaign: asked anew now and then, and for a host that has changed."""

from collections.abc import Collection

from cse.core import Core
from cse.fanout.entry import Members
from cse.fanout.reach import gather
from cse.fanout.wire import Wire
from cse.network import Host, Reach
from cse.slices import in_slices, let_go

REFRESH = 5.0  # seconds after which networks are asked anew what they offer, or longer where asking takes long:
REFRESH_SHARE = 20.0  # so many times what it took the last time


class Offers:
    """Networks are asked about all permitted targets: they must know whom a broadcast may reach."""

    def __init__(self, core: Core, wire: Wire, members: Members, group: str) -> None:
        self._core = core
        self._wire = wire
        self._hosts = members.hosts
        self._group = group
        self._reaches: dict[str, Reach] = {}
        self._changed: set[str] = set()
        self._ask_again_at = float("-inf")

    def to(self, host: Host) -> Reach:
        """What has been offered to this host."""
        return self._reaches.get(host.id, ())

    def forget(self, host: Host) -> None:
        """What has been offered to this host does not hold any more."""
        self._hosts[host.id] = host
        self._changed.add(host.id)

    async def let_go(self) -> None:
        """They are not wanted any more."""
        await let_go(self._reaches)

    async def refresh(self) -> None:
        """Ask whom and what has to be asked."""
        clock = self._core.clock
        began = clock.now()
        if began >= self._ask_again_at:
            await self._ask(self._hosts.values())
            self._ask_again_at = clock.now() + max(REFRESH, REFRESH_SHARE * (clock.now() - began))
        elif self._changed:
            await self._ask([self._hosts[host_id] for host_id in self._changed])

    async def _ask(self, hosts: Collection[Host]) -> None:
        self._changed = set()
        for request, meant in self._wire.meant(hosts):
            offers = await gather(self._core.networks.values(), meant, request, self._group)
            async for host, reach in in_slices(zip(meant, offers, strict=True)):
                self._reaches[host.id] = reach
