"""A device request under way: plan, deliver, collect, repair the silent ones, until the last answer or the deadline."""

import asyncio
import logging
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import orjson

from cse.core import Core
from cse.fanout.book import Book
from cse.fanout.entry import Limits
from cse.fanout.reach import gather
from cse.fanout.schedule import TEMPORARY, Pending, Schedule
from cse.fanout.states import Failure, State
from cse.lanes import Lanes
from cse.matching import Plan, choose
from cse.network import Delivery, DeliveryFailed, Discard, Host, Offer, Reach, Unreachable, Way
from cse.primitive import Request, Response
from cse.slices import aside, in_slices

log = logging.getLogger(__name__)

REFRESH = 5.0  # seconds after which networks are asked anew what they offer, or longer where asking takes long:
REFRESH_SHARE = 20.0  # so many times what it took the last time


class DeviceCampaign:
    """Runs one campaign. `request` is what devices get, `waiting` are the silent ones at the beginning.

    `hosts` are all permitted targets, those that have answered already included: a network must know whom a broadcast
    may reach. It is a `cse.door.Receiver`.
    """

    def __init__(
        self,
        core: Core,
        book: Book,
        request: Request,
        hosts: Mapping[str, Host],
        waiting: Iterable[Pending],
        limits: Limits,
    ) -> None:
        self.book = book
        self.answered = {row.host for row in book.rows if row.state == State.ANSWERED}
        self._is_over = False
        self._core = core
        self._request = request
        self._hosts = hosts
        self._send_until = limits.send_until
        self._deadline = limits.deadline
        settings = core.settings
        self._schedule = Schedule(waiting, core.clock.now(), 1 + settings.broadcast_repeats)
        self._lanes = Lanes(settings.parallel_deliveries)
        self._broadcasts: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._reaches: dict[str, Reach] = {}
        self._ask_again_at = float("-inf")

    async def run(self) -> None:
        """Until every member has a final state; then the campaign is finished in the store."""
        self.book.start()
        try:
            await self._send_and_collect()
            for host_id in list(self._schedule.pending):
                self._settle(host_id)
            await self.book.finish()
        except asyncio.CancelledError:
            await self.book.stop()
            raise

    def answer(self, originator: str, response: Response, network: str) -> None:
        """First wins; everything else is counted and changes nothing."""
        item = None if self._is_over else self._schedule.answered(originator)
        if item is None:
            self.discard(why_discarded(originator, self._hosts, self.answered), 1)
            return
        self.answered.add(originator)
        changes = {
            "status_code": response.status_code,
            "content": b"" if response.content is None else orjson.dumps(response.content),
            "network": network,
            "attempts": item.attempts,
            "answered_at": self._core.clock.now(),
        }
        self.book.answered(changes, item.positions)
        self._wake_when_done()

    def discard(self, reason: Discard, count: int) -> None:
        """Count answers that change nothing."""
        self.book.discarded(reason, count)

    def give_up(self, host_ids: Iterable[str], failure: Failure) -> None:
        """These hosts get nothing more by this campaign: it is cancelled, or a newer one has superseded it."""
        for host_id in host_ids:
            item = self._schedule.answered(host_id)
            if item is not None:
                self._end(item, State.FAILED, failure)
        self._wake_when_done()

    def cancel(self) -> None:
        """Nothing more is sent; the silent members are CANCELLED."""
        self.give_up(list(self._schedule.pending), Failure.CANCELLED)

    def _wake_when_done(self) -> None:
        if not self._schedule:
            self._changed.set()

    async def _send_and_collect(self) -> None:
        """Nothing that a network hands over may keep a campaign from its end: the silent members get an ERROR."""
        try:
            await self._rounds()
        except Exception:
            log.exception("campaign %s failed", self.book.campaign.id)
            self.give_up(list(self._schedule.pending), Failure.ERROR)
        finally:
            self._is_over = True
            await self._lanes.stop()
            await _cancelled(*self._broadcasts)

    async def _rounds(self) -> None:
        clock = self._core.clock
        while self._schedule and clock.now() < self._deadline:
            self._changed.clear()
            upcoming = self._deadline
            if clock.now() < self._send_until:
                await self._send(self._schedule.take_due(clock.now()))
                upcoming = min(upcoming, self._schedule.next_due() or upcoming)
            if self._schedule:
                await clock.within(upcoming - clock.now(), self._changed.wait())

    async def _send(self, due: Sequence[Pending]) -> None:
        if not due:
            return
        groups: dict[tuple[str, str], tuple[Offer, list[Pending]]] = {}
        if self._core.clock.now() >= self._ask_again_at:
            await self._ask_networks()
        plan = await aside(len(due), self._plan, due, self._core.clock.now())
        if not self.book.has_plan:
            self.book.plan(plan_document(plan, [item.host for item in due]))
        async for item, way, reason in in_slices(zip(due, plan.choices, plan.reasons, strict=True)):
            if way is None:
                self._unserved(item, reason)
            else:
                groups.setdefault((way.offer.id, way.address), (way.offer, []))[1].append(item)
        async for (_, address), (offer, items) in in_slices(groups.items()):
            job = partial(self._deliver, offer, address, items)
            if offer.broadcast:
                self._start_broadcast(job)
            else:
                self._lanes.add(offer.network, job)

    async def _ask_networks(self) -> None:
        clock = self._core.clock
        began = clock.now()
        networks, hosts = self._core.networks.values(), list(self._hosts.values())
        offers = await gather(networks, hosts, self._request, self.book.campaign.group)
        self._reaches = dict(zip(self._hosts, offers, strict=True))
        self._ask_again_at = clock.now() + max(REFRESH, REFRESH_SHARE * (clock.now() - began))

    def _plan(self, due: Sequence[Pending], now: float) -> Plan:
        usable = [self._schedule.usable(item, self._reaches.get(item.host.id, ())) for item in due]
        return choose(usable, available_ms=int((self._deadline - now) * 1000))

    def _unserved(self, item: Pending, reason: Unreachable | None) -> None:
        """Nothing can carry the request to this host now; whether that may change depends on the reason."""
        item.unreachable = reason
        if item.attempts == 0 and reason is not None and reason.reason not in TEMPORARY:
            self._settle(item.host.id)
            self._wake_when_done()
        else:
            self._schedule.again([item], self._core.clock.now() + self._core.settings.unicast_backoff_limit)

    def _start_broadcast(self, job: Any) -> None:
        task = asyncio.create_task(job(), name="broadcast")
        self._broadcasts.add(task)
        task.add_done_callback(self._broadcasts.discard)

    async def _deliver(self, offer: Offer, address: str, items: list[Pending]) -> None:
        items = [item for item in items if item.host.id in self._schedule.pending]
        if not items or self._core.clock.now() >= self._send_until:
            return
        attempt = self._schedule.sending(items, Way(offer, address))
        async for item in in_slices(items):
            if item.host.id in self._schedule.pending:
                for position in item.positions:
                    self.book.set(position, network=offer.network, attempts=item.attempts)
        delivery = Delivery(
            request=self._request,
            offer=offer,
            address=address,
            hosts=[item.host for item in items],
            group=self.book.campaign.group,
            attempt=attempt,
            window=offer.latency(len(items)) / 1000,
            deadline=self._send_until,
            transmitted=partial(self.book.transmitted, offer.network),
        )
        failure = await self._attempt(delivery)
        self._come_back(items, offer, delivery.window, failure)

    async def _attempt(self, delivery: Delivery) -> Failure | None:
        """Deliver; what went wrong, if the network knows that nothing was received."""
        try:
            await self._core.networks[delivery.offer.network].deliver(delivery)
        except DeliveryFailed as error:
            log.info("delivery by %s to %s failed: %s", delivery.offer.network, delivery.address, error)
            return Failure.REFUSED if error.refused else Failure.SILENT
        except Exception:
            log.exception("network %s failed to deliver", delivery.offer.network)
            return Failure.ERROR
        return None

    def _come_back(self, items: list[Pending], offer: Offer, window: float, failure: Failure | None) -> None:
        """Those who stay silent have their next turn when the answers should be in, or after a pause."""
        now = self._core.clock.now()
        for item in items:
            item.failure = "" if failure is None else failure.value
            if failure is not None:
                item.avoided |= {offer.id}
        if offer.broadcast and failure is None:
            self._schedule.again(items, now + window)
        else:
            for attempts, several in groupby(sorted(items, key=_attempts), _attempts):
                self._schedule.again(several, now + max(window, self._backoff(attempts)))
        self._changed.set()

    def _backoff(self, attempts: int) -> float:
        settings = self._core.settings
        return min(settings.unicast_backoff_limit, settings.unicast_backoff * 2.0 ** min(attempts - 1, 30))

    def _settle(self, host_id: str) -> None:
        """The final state of a host that has not answered."""
        item = self._schedule.answered(host_id)
        if item is None:
            return
        if item.attempts:
            self._end(item, State.FAILED, Failure(item.failure or Failure.SILENT))
        elif item.unreachable is not None:
            self._end(item, State.UNREACHABLE, item.unreachable.reason)
        else:
            self._end(item, State.FAILED, Failure.EXPIRED)

    def _end(self, item: Pending, state: State, reason: str) -> None:
        for position in item.positions:
            self.book.set(position, state=state.value, reason=str(reason), attempts=item.attempts)


def _attempts(item: Pending) -> int:
    return item.attempts


def why_discarded(originator: str, hosts: Container[str], answered: Container[str]) -> Discard:
    """Why an answer to a campaign that went to these hosts, some of which have answered already, changes nothing."""
    if originator not in hosts:
        return Discard.STRAY
    return Discard.DUPLICATE if originator in answered else Discard.LATE


def plan_document(plan: Plan, hosts: Sequence[Host]) -> dict[str, Any]:
    """The plan for people: examples are named."""
    document = plan.as_document()
    for signature in document["signatures"]:
        signature["examples"] = [hosts[index].id for index in signature["examples"]]
    return document


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
