"""Devices whose answers a test gives by hand: `async with serving(networks=[network]) as cse:`."""

import asyncio
from collections.abc import Sequence

from cse.network import Delivery, Engine, Host, Network, Offer, Reach, Reason, Unreachable, Way, addresses
from cse.primitive import OK, Request, Response
from tests.servers import PATIENCE

SCHEME = "hand"


class ByHand(Network):
    """Reaches AEs at `hand://...`. `sent` is what they have got, in order; those in `broken` make the network fail."""

    name = SCHEME

    def __init__(self, *broken: str) -> None:
        self.sent: list[Delivery] = []
        self.broken = set(broken)
        self._changed = asyncio.Event()
        self._offer = Offer(self.name, self.name, False, 0, 1, loss_ppm=0, latency_ms=1, max_payload=65_536)

    async def start(self, engine: Engine) -> None:
        self._engine = engine

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        nowhere = Unreachable(self.name, Reason.NO_POA, "no hand:// address")
        found = [next(iter(addresses(host, SCHEME)), None) for host in hosts]
        return [[Way(self._offer, address)] if address else [nowhere] for address in found]

    async def deliver(self, delivery: Delivery) -> None:
        if not self.broken.isdisjoint(host.id for host in delivery.hosts):
            raise ZeroDivisionError("this plugin is broken")
        delivery.transmitted(1, 0.0)
        self.sent.append(delivery)
        self._changed.set()

    async def wait(self, count: int) -> list[Delivery]:
        """Return `sent` once so many have been sent."""
        async with asyncio.timeout(PATIENCE):
            while len(self.sent) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.sent

    def answer(self, *hosts: str, code: int = OK) -> None:
        """These AEs answer the newest request; the content of an answer is the AE-ID."""
        identifier = self.sent[-1].request.request_identifier
        for host in hosts:
            self._engine.answer(identifier, host, Response(code, {"m2m:cin": {"con": host}}), self.name)
