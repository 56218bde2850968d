"""Several whole servers without HTTP: a network that hands requests from one to the other, and a clock to advance."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cse.app import Server
from cse.config import Settings
from cse.network import (
    Delivery,
    DeliveryFailed,
    Engine,
    Host,
    Network,
    Offer,
    Reach,
    Reason,
    Unreachable,
    Way,
    addresses,
)
from cse.primitive import Operation, Request, Response
from cse.testing.clock import ManualClock

SCHEME = "lane"


class Lane(Network):
    """What one server sends to the others, which are at `lane://<name>`, and to nobody else.

    `down` are those that can't be connected to, `silent` those that do not answer; `sent` is what went out, with its
    address.
    """

    name = SCHEME

    def __init__(self, neighbourhood: "Neighbourhood") -> None:
        self._neighbourhood = neighbourhood
        self._offer = Offer(SCHEME, SCHEME, False, 0, 1, 0, 1, 1_000_000)
        self.sent: list[tuple[str, Request]] = []

    async def start(self, engine: Engine) -> None:
        self._engine = engine

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        nowhere = [Unreachable(SCHEME, Reason.NO_POA)]
        return [[Way(self._offer, address) for address in addresses(host, SCHEME)] or nowhere for host in hosts]

    async def deliver(self, delivery: Delivery) -> None:
        (host,) = delivery.hosts
        name = delivery.address.removeprefix(f"{SCHEME}://")
        request = delivery.request.derive(to=host.address(delivery.request))
        self.sent.append((delivery.address, request))
        if name in self._neighbourhood.down or name not in self._neighbourhood.servers:
            raise DeliveryFailed("connection refused", refused=True)
        if name in self._neighbourhood.silent:
            return
        await self._neighbourhood.open.wait()
        response = await self._neighbourhood.servers[name].requests.handle(request)
        self._engine.answer(request.request_identifier, host.id, response, SCHEME)


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass
class Neighbourhood:
    """Servers by name: `mn` has the CSE-ID `/id-mn` and the CSEBase `cse-mn`.

    What one sends another has to wait while it is not `open`.
    """

    clock: ManualClock
    servers: dict[str, Server] = field(default_factory=dict)
    lanes: dict[str, Lane] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    open: asyncio.Event = field(default_factory=_set)
    _running: dict[str, AsyncExitStack] = field(default_factory=dict)

    async def start(self, name: str, registrar: str = "", **settings: Any) -> Server:
        """A server, new and empty, in place of the one that was called so before."""
        await self.stop(name)
        values = {"store": "memory:", "cse_id": f"/id-{name}", "cse_name": f"cse-{name}"}
        values |= {"points_of_access": [f"{SCHEME}://{name}"], "registrar": registrar and f"{SCHEME}://{registrar}"}
        self.lanes[name] = Lane(self)
        server = Server(Settings({"server": values | settings}), clock=self.clock, networks=[self.lanes[name]])
        self._running[name] = AsyncExitStack()
        self.servers[name] = await self._running[name].enter_async_context(server.running())
        return server

    async def stop(self, name: str) -> None:
        """Stop a server, if it runs."""
        if name in self._running:
            del self.servers[name]
            await self._running.pop(name).aclose()

    async def ask(self, name: str, operation: Operation, to: str, originator: str = "CAdmin", **more: Any) -> Response:
        """One request to a server, and its response."""
        request = Request(operation, to, originator, **{"request_identifier": "r1", "release_version": "3"} | more)
        return await self.servers[name].requests.handle(request)

    async def get(self, name: str, to: str, originator: str = "CAdmin", **more: Any) -> Response:
        return await self.ask(name, Operation.RETRIEVE, to, originator, **more)

    async def create(self, name: str, to: str, ty: int, content: Any, originator: str = "CAdmin") -> Response:
        return await self.ask(name, Operation.CREATE, to, originator, resource_type=ty, content=content)

    async def introduce(self, to: str, name: str, *poa: str, **attributes: Any) -> None:
        """Register the CSE of that name with another one, as it would do itself."""
        content = {"rn": f"id-{name}", "cb": f"/id-{name}/cse-{name}", "rr": True, "srv": ["3"], "poa": list(poa)}
        response = await self.create(to, "-", 16, {"m2m:csr": content | attributes}, f"/id-{name}")
        assert response.status_code == 2001, response

    async def known(self, to: str, name: str) -> dict[str, Any]:
        """The remoteCSE for a CSE at another one, {} if there is none."""
        content = (await self.get(to, f"-/id-{name}")).content
        return dict(content.get("m2m:csr", {}))

    async def registered(self, to: str, name: str, *, later: bool = False, **attributes: Any) -> dict[str, Any]:
        """The same, once it is there and has these attributes; if that takes time (`later`), time passes."""
        async with asyncio.timeout(20):
            while True:
                found = await self.known(to, name)
                if found and attributes.items() <= found.items():
                    return found
                await (self.clock.advance(1.0) if later else asyncio.sleep(0.005))


@asynccontextmanager
async def neighbourhood() -> AsyncIterator[Neighbourhood]:
    found = Neighbourhood(ManualClock())
    try:
        yield found
    finally:
        for name in list(found.servers):
            await found.stop(name)
