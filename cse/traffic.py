"""What keeps all requests to what networks and devices bear: one at a time to each host, limits by network."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from cse.network import Network, Policy
from cse.rate import TokenBucket
from cse.timing import Clock
from cse.turns import OneAtATime, Turn


class Ticket:
    """For one delivery. Its first transmission is paid for, further ones are charged as they happen."""

    def __init__(self, bucket: TokenBucket) -> None:
        self._bucket = bucket
        self._paid = 1

    def transmitted(self, count: int) -> None:
        """The network has put so many more on its medium."""
        free = min(count, self._paid)
        self._paid -= free
        self._bucket.charge(count - free)


class _Road:
    """One network: as many deliveries and transmissions as its policy allows."""

    def __init__(self, clock: Clock, policy: Policy) -> None:
        self.slots = asyncio.Semaphore(policy.parallel)
        self.bucket = TokenBucket(clock, policy.rate)


class Traffic:
    """Of all fan-outs together; where a host is sent something beside them, its turn is awaited, too."""

    def __init__(self, clock: Clock, networks: Mapping[str, Network]) -> None:
        self._clock = clock
        self._networks = networks
        self._roads: dict[str, _Road] = {}
        self._hosts = OneAtATime()

    @asynccontextmanager
    async def unicast(self, network: str, *hosts: str) -> AsyncIterator[Ticket]:
        """Inside, one delivery to these hosts (identifiers and addresses) may be made."""
        road = self._road(network)
        async with self.turn(*hosts), road.slots:
            await road.bucket.take()
            yield Ticket(road.bucket)

    async def broadcast(self, network: str) -> Ticket:
        """Return when a broadcast may be made."""
        bucket = self._road(network).bucket
        await bucket.take()
        return Ticket(bucket)

    def turn(self, *hosts: str) -> Turn:
        """Inside, nothing else is sent to these hosts by unicast."""
        return self._hosts.hold(*hosts)

    def _road(self, network: str) -> _Road:
        if network not in self._roads:
            self._roads[network] = _Road(self._clock, self._networks[network].policy)
        return self._roads[network]
