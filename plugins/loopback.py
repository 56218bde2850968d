"""The smallest network: devices that live in the server and answer at once. Copy this file to write a network.

Change, from top to bottom:

1. `SCHEME`: the URI scheme that the devices of your network write into the `poa` of their AE.
2. `Loopback.name`: what plans, results and metrics call your network.
3. `offers`: what one request costs on your medium, how often it is lost, how long the answer takes, how many bytes fit
   and how many this request takes. One `Offer` is shared by all hosts; the address says where each of them is. To
   offer a broadcast, make an `Offer` with `broadcast=True` and give every host that listens the same address: they
   then come to `deliver` together. Say why you cannot reach a host with the `Reason` that fits best.
4. `deliver`: put `delivery.request` on the medium, once, and count it with `transmitted` (how often, and milliseconds
   of airtime). Raise `DeliveryFailed` when you know that it was not received; just return when you do not know.
5. Where answers come in, call `Engine.answer` with the request identifier and the AE-ID of the device that answered:
   before `deliver` returns, or hours later from a task that you start in `start` and end in `stop`.
6. `register_networks`: read your own settings here (see `cse.hookspecs` and `cse.config`). Then name your module in
   the entry point group `cse` of your package, and let your tests inherit `cse.testing.contract.NetworkContract`.
"""

from collections.abc import Sequence

import orjson

from cse.config import Settings
from cse.hookspecs import hookimpl
from cse.network import Delivery, Engine, Host, Network, Offer, Reach, Reason, Unreachable, Way, addresses
from cse.primitive import OK, Request, Response
from cse.slices import in_slices

SCHEME = "loopback"


class Loopback(Network):
    """Reaches `loopback://<anything>`; the answer's content is the request's. At `loopback://silent` nobody answers."""

    everywhere = True
    name = "loopback"
    schemes = frozenset([SCHEME])

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        size = len(orjson.dumps(request.content))
        offer = Offer(self.name, self.name, False, 0, 1, loss_ppm=0, latency_ms=1, max_payload=65_536, payload=size)
        nowhere = Unreachable(self.name, Reason.NO_POA, f"no point of access starts with {SCHEME}://")
        found = [next(iter(addresses(host, SCHEME)), None) async for host in in_slices(hosts)]
        return [[Way(offer, address) if address else nowhere] for address in found]

    async def deliver(self, delivery: Delivery) -> None:
        delivery.transmitted(1, 0.0)
        if delivery.address == f"{SCHEME}://silent":
            return
        for host in delivery.hosts:
            answer = Response(OK, delivery.request.content)
            self._engine.answer(delivery.request.request_identifier, host.id, answer, self.name)

    async def start(self, engine: Engine) -> None:
        self._engine = engine


@hookimpl
def register_networks(settings: Settings) -> list[Network]:
    return [Loopback()]
