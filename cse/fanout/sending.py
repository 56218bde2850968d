"""The transmissions of one campaign: each when its turn has come, and noted before it goes out."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from cse.core import Core
from cse.fanout.attempts import attempt
from cse.fanout.book import Book
from cse.fanout.schedule import Pending, Schedule
from cse.fanout.states import Failure
from cse.fanout.wire import Wire
from cse.lanes import Lanes
from cse.network import Delivery, Offer, Policy, Way
from cse.slices import in_slices
from cse.traffic import Ticket

MOST_FAILURES = 2  # in a row, after which a CSE is left alone for a while
AT_ONCE = 8  # members of one CSE


class Sending:
    """Hosts are taken from the schedule, and come back to it unless they answer; then `changed` is set."""

    def __init__(
        self, core: Core, book: Book, wire: Wire, schedule: Schedule, send_until: float, changed: asyncio.Event
    ) -> None:
        self._core = core
        self._book = book
        self._wire = wire
        self._schedule = schedule
        self._send_until = send_until
        self._changed = changed
        self._lanes = Lanes(max(network.policy.parallel for network in core.networks.values()))
        self._broadcasts: set[asyncio.Task[None]] = set()

    def start(self, way: Way, items: list[Pending]) -> None:
        """Send to these hosts as soon as the network may."""
        if way.offer.broadcast:
            self._start_broadcast(partial(self._deliver, way, items))
            return
        for part in _side_by_side(items):
            self._lanes.add(way.offer.network, partial(self._deliver_each, way, part))

    async def stop(self) -> None:
        """Nothing more is sent."""
        await self._lanes.stop()
        await _cancelled(*self._broadcasts)

    def _start_broadcast(self, job: Any) -> None:
        task = asyncio.create_task(job(), name="broadcast")
        self._broadcasts.add(task)
        task.add_done_callback(self._broadcasts.discard)

    async def _deliver_each(self, way: Way, items: list[Pending]) -> None:
        """Members on another CSE get a request each; when the CSE can't be reached for some, it can't for the rest."""
        if not items[0].host.cse:
            await self._deliver(way, items)
            return
        failures = 0
        for index, item in enumerate(items):
            failure = await self._deliver(way, [item])
            failures = 0 if failure in (None, Failure.ERROR) else failures + 1
            if failures == MOST_FAILURES:
                rest = [other for other in items[index + 1 :] if other.host.id in self._schedule.pending]
                await self._attempted(way, rest)
                await self._come_back(rest, way, 0.0, failure)
                return

    async def _deliver(self, way: Way, items: list[Pending]) -> Failure | None:
        """One transmission when its turn has come; what is known to have gone wrong with it."""
        traffic, network = self._core.traffic, way.offer.network
        if way.offer.broadcast:
            return await self._transmit(way, items, await traffic.broadcast(network))
        async with traffic.unicast(network, *_in_turn(way, items)) as ticket:
            return await self._transmit(way, items, ticket)

    async def _transmit(self, way: Way, items: list[Pending], ticket: Ticket) -> Failure | None:
        items = [item for item in items if item.host.id in self._schedule.pending]
        if not items or self._core.clock.now() >= self._send_until:
            return None
        if self._book.control.is_paused:
            self._schedule.again(items, self._core.clock.now())
            return None
        number = await self._attempted(way, items)
        if items[0].host.cse and not self._schedule.repeats:
            await self._book.secure()  # a server that is killed now must not send it again when it is back
        delivery = self._delivery(way, items, number, ticket)
        failure = await attempt(self._core.networks, delivery)
        await self._come_back(items, way, delivery.window, failure)
        return failure

    async def _attempted(self, way: Way, items: Sequence[Pending]) -> int:
        """Note an attempt for these hosts; its number."""
        number = self._schedule.sending(items, way) if items else 0
        if way.offer.broadcast:
            self._book.campaign.document["broadcasts"] = self._schedule.sent
        async for item in in_slices(items):
            if item.host.id in self._schedule.pending:
                for position in item.positions:
                    self._book.set(position, network=way.offer.network, attempts=item.attempts, reason="")
        return number

    def _delivery(self, way: Way, items: Sequence[Pending], number: int, ticket: Ticket) -> Delivery:
        return Delivery(
            request=self._wire.elsewhere if way.offer.broadcast and items[0].host.cse else self._wire.to(items[0].host),
            offer=way.offer,
            address=way.address,
            hosts=[item.host for item in items],
            group=self._book.campaign.group,
            attempt=number,
            window=way.offer.latency(len(items)) / 1000,
            deadline=self._send_until,
            transmitted=partial(self._transmitted, way.offer.network, ticket),
        )

    def _transmitted(self, network: str, ticket: Ticket, transmissions: int, airtime_ms: float) -> None:
        ticket.transmitted(transmissions)
        self._book.transmitted(network, transmissions, airtime_ms)

    async def _come_back(self, items: list[Pending], way: Way, window: float, failure: Failure | None) -> None:
        """Those who stay silent have their next turn when the answers should be in, or after a pause."""
        if not any(item.host.id in self._schedule.pending for item in items):
            return  # they have answered
        now = self._core.clock.now()
        together = way.offer.broadcast and failure is None
        if failure not in (None, Failure.ERROR):
            window = 0.0  # nobody has received it, so nobody answers
        by_pause: defaultdict[float, list[Pending]] = defaultdict(list)
        async for item in in_slices(items):
            item.failure = "" if failure is None else failure.value
            item.heard |= failure in (None, Failure.ERROR)
            if failure is not None:
                item.avoided |= {(way.offer.id, way.address)}
            by_pause[0.0 if together else self._policy(way.offer).pause(item.attempts)].append(item)
        for pause, several in by_pause.items():
            self._schedule.again(several, now + max(window, pause))
        self._changed.set()

    def _policy(self, offer: Offer) -> Policy:
        return self._core.networks[offer.network].policy


def _in_turn(way: Way, items: Iterable[Pending]) -> list[str]:
    """Who is sent one thing at a time: these hosts, and what is at their address, but for a CSE, which serves many."""
    hosts = [item.host.id for item in items]
    return hosts if any(item.host.cse for item in items) else [*hosts, way.address]


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _side_by_side(items: list[Pending]) -> list[list[Pending]]:
    """Those who share an address get one transmission; but members of another CSE are sent to one by one, in rows."""
    return [items[row::AT_ONCE] for row in range(min(AT_ONCE, len(items)))] if items[0].host.cse else [items]
