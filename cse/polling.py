"""Polling channels (TS-0001 clauses 9.6.21 and 9.6.22): requests wait, durably, until their receiver fetches them.

To the rest of the server this is a network: its hosts are the entities that have a polling channel.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from cse.cluster.answers import Answer
from cse.cluster.switchboard import Switchboard
from cse.core import Core
from cse.door import Door, answer_in
from cse.errors import NotFound, OperationNotAllowed, OriginatorHasNoPrivilege, RequestTimeout
from cse.forwarding import carrier
from cse.network import (
    Delivery,
    DeliveryFailed,
    Host,
    Network,
    Offer,
    Reach,
    Reason,
    Unreachable,
    Way,
    addresses,
)
from cse.primitive import OK, Content, Operation, Request, Response
from cse.slices import in_slices
from cse.store import Resource
from cse.times import times_of
from cse.tree.target import find_target, live
from cse.work import Work

log = logging.getLogger(__name__)

SCHEME = "pcu"  # of the address that stands for a channel: pcu://<resource identifier>
QUEUE = "requests"
TOPIC = "polled"
MOST_POLLS = 8  # of one channel at the same time
PAYLOAD = 1_048_576
BEHIND = "~"  # a request identifier, in front of the address of one of its members


def channel_address(identifier: str) -> str:
    """The point of access of an entity with this polling channel."""
    return f"{SCHEME}://{identifier}"


class Taken(NamedTuple):
    """What one poll gets: documents with the primitive (`rqp`) and when it `expires`."""

    requests: list[dict[str, Any]]
    aggregates: bool

    @property
    def content(self) -> Content:
        """As the answer to the poll has it (TS-0004 clause 7.4.22)."""
        primitives = [document["rqp"] for document in self.requests]
        return {"m2m:agrp": primitives} if self.aggregates else {"m2m:rqp": primitives[0]}


class PollingChannels(Network):
    """Stores what is delivered, and hands it to whoever polls, each request once."""

    name = "polling-channel"
    schemes = frozenset([SCHEME])
    everywhere = True
    stores = True

    def __init__(self, core: Core, switchboard: Switchboard, door: Door) -> None:
        self._core = core
        self._door = door
        self._switchboard = switchboard
        switchboard.wakes(TOPIC, self._arrived)
        self._arrivals: dict[str, asyncio.Event] = {}
        self._polls: dict[str, int] = {}

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        settings = self._core.settings
        offer = Offer(
            self.name, self.name, False, 0, settings.polling_cost, 0, int(settings.polling_latency * 1000), PAYLOAD
        )
        nowhere = Unreachable(self.name, Reason.NO_POA, "it has no polling channel")
        found = [next(iter(addresses(host, SCHEME)), None) async for host in in_slices(hosts)]
        return [[Way(offer, address) if address else nowhere] for address in found]

    async def deliver(self, delivery: Delivery) -> None:
        channel = delivery.address.removeprefix(channel_address(""))
        if not await self._core.run(lambda work: _append(work, channel, delivery)):
            raise DeliveryFailed("the polling channel is gone")
        delivery.transmitted(1, 0.0)
        self._arrived(channel)
        self._switchboard.wake(TOPIC, channel)

    def _arrived(self, channel: str) -> None:
        """Something waits in this channel, whatever process has put it there."""
        if channel in self._arrivals:
            self._arrivals[channel].set()

    async def carry_out(self, request: Request, accepted: float) -> Response:
        """RETRIEVE waits for a request and returns it; NOTIFY brings the answer to one; raises CSEError."""
        channel = await self._core.read(lambda work: _own_channel(work, request))
        if request.operation is Operation.NOTIFY:
            answer = await self._core.read(lambda work: _answer(work, request))
            await self._door.accept(answer)
            return Response(OK)
        if self._polls.get(channel.ri, 0) >= MOST_POLLS:
            raise OperationNotAllowed(f"{MOST_POLLS} requests poll this channel already: wait for an answer to one")
        self._polls[channel.ri] = self._polls.get(channel.ri, 0) + 1
        try:
            return Response(OK, await self._fetch(channel.ri, self._deadline(request, accepted)))
        finally:
            self._left(channel.ri)

    def _deadline(self, request: Request, accepted: float) -> float:
        stated = times_of(request, accepted).request_expiration
        return accepted + self._core.settings.polling_timeout if stated is None else stated

    def _left(self, channel: str) -> None:
        self._polls[channel] -= 1
        if not self._polls[channel]:
            del self._polls[channel]
            self._arrivals.pop(channel, None)

    async def _fetch(self, channel: str, deadline: float) -> Content:
        clock = self._core.clock
        while True:
            arrival = self._arrivals.setdefault(channel, asyncio.Event())
            arrival.clear()
            taken = await self._take(channel)
            if taken.requests:
                return taken.content
            left = deadline - clock.now()
            if left <= 0 or not await clock.within(left, arrival.wait()):
                raise RequestTimeout("nothing came in on the polling channel in time: poll again")

    async def _take(self, channel: str) -> "Taken":
        """Out of the queue; back into it if the poll is given up at this very moment."""
        taking = asyncio.ensure_future(self._core.run(lambda work: _take(work, channel)))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            self._core.start(self._put_back(channel, taking), f"return to polling channel {channel}")
            raise

    async def _put_back(self, channel: str, taking: "asyncio.Future[Taken]") -> None:
        taken = await taking
        await self._core.run(lambda work: _return(work, channel, taken))


def _own_channel(work: Work, request: Request) -> Resource:
    """The channel that is polled; only its owner may (TS-0001 clause 9.6.22)."""
    channel = live(work, find_target(work, request))
    if work.model.naming.originator(request.originator) != channel.creator:
        raise OriginatorHasNoPrivilege(f"only {channel.creator} may use the polling channel {channel.path}")
    return channel


def _answer(work: Work, request: Request) -> Answer:
    """The answer to what was polled."""
    answer = answer_in(request, PollingChannels.name)
    own, _, address = answer.request_identifier.partition(BEHIND)
    on_the_way = carrier(work, address) if address.startswith("/") else None
    if on_the_way is None or on_the_way.creator != work.model.naming.originator(answer.originator):
        return answer
    return answer._replace(request_identifier=own, originator=address)


def _primitive(delivery: Delivery) -> dict[str, Any]:
    """As it waits. Requests of a fan-out to several members of a CSE differ in the address behind their identifier."""
    (host,) = delivery.hosts
    primitive = delivery.request.as_primitive() | {"to": host.address(delivery.request)}
    if host.cse and delivery.group:
        primitive["rqi"] += BEHIND + host.id
    return primitive


def _append(work: Work, channel: str, delivery: Delivery) -> bool:
    """Store a request, unless it waits already; false if there is no such channel any more."""
    if work.transaction.resources.get(channel) is None:
        return False
    queues = work.transaction.queues
    waiting = queues.items(channel, QUEUE)
    primitive = _primitive(delivery)
    if any(queued.document["rqp"]["rqi"] == primitive["rqi"] for queued in waiting):
        return True
    surplus = waiting[: max(0, len(waiting) + 1 - work.model.settings.polling_queue)]
    if surplus:
        log.warning("polling channel %s is full (polling_queue): its oldest request is dropped", channel)
        queues.remove(queued.id for queued in surplus)
    document = {"expires": delivery.deadline, "rqp": primitive}
    queues.append(channel, QUEUE, document)
    return True


def _take(work: Work, channel: str) -> Taken:
    """The oldest request, or all that wait if the channel aggregates; what has expired is dropped."""
    resource = work.transaction.resources.get(channel)
    if resource is None:
        raise NotFound("the polling channel is gone")
    aggregates = bool(resource.attributes.get("rqag"))
    queues = work.transaction.queues
    waiting = queues.items(channel, QUEUE)
    useful = [queued for queued in waiting if queued.document["expires"] > work.now]
    taken, kept = (useful, []) if aggregates else (useful[:1], useful[1:])
    queues.remove({queued.id for queued in waiting} - {queued.id for queued in kept})
    return Taken([queued.document for queued in taken], aggregates)


def _return(work: Work, channel: str, taken: Taken) -> None:
    if work.transaction.resources.get(channel) is not None:
        for document in taken.requests:
            work.transaction.queues.append(channel, QUEUE, document)
