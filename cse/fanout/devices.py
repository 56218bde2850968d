"""A device request under way: plan, deliver, collect, repair the silent ones, until the last answer or the deadline."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from cse.core import Core
from cse.fanout import split
from cse.fanout.attempts import attempt
from cse.fanout.book import Book
from cse.fanout.discarded import why_discarded
from cse.fanout.entry import Limits, Members
from cse.fanout.offers import Offers
from cse.fanout.ramp import Canary, Threshold
from cse.fanout.report import plan_document
from cse.fanout.rest import ASLEEP, reach_of, wakes_at
from cse.fanout.schedule import TEMPORARY, Pending, Schedule
from cse.fanout.states import ABORTED, WAITING_FOR_DEVICE, Failure, State
from cse.fanout.wire import Wire
from cse.lanes import Lanes
from cse.matching import Plan, choose
from cse.network import Delivery, Discard, Host, Offer, Policy, Reach, Unreachable, Way
from cse.primitive import Response, kept
from cse.slices import FEW, aside, in_slices
from cse.traffic import Ticket

log = logging.getLogger(__name__)

MOST_FAILURES = 2  # in a row, after which a CSE is left alone for a while
AT_ONCE = 8  # members of one CSE


class DeviceCampaign:
    """The part of a campaign that goes out to hosts. `wire` is what they get.

    `follow` is called with the positions of members whose devices have carried out what the tree has to do as well.

    It is a `cse.door.Receiver`.
    """

    def __init__(
        self,
        core: Core,
        book: Book,
        wire: Wire,
        members: Members,
        limits: Limits,
        follow: Callable[[Iterable[int]], None],
    ) -> None:
        self.book = book
        self._follow = follow
        self.answered = {row.host for row in book.rows if row.state == State.ANSWERED}
        self._is_over = False
        self._core = core
        self._wire = wire
        self._hosts = members.hosts
        self._elsewhere = members.elsewhere
        self._send_until = limits.send_until
        self._deadline = limits.deadline
        settings = core.settings
        policies = {name: network.policy for name, network in core.networks.items()}
        most = 1 + settings.broadcast_repeats
        sent = book.campaign.document.get("broadcasts", ())
        self._schedule = Schedule(members.silent, core.clock.now(), most, policies, repeats=wire.repeats, sent=sent)
        members.silent.clear()  # the schedule has them, and drops those that answer
        self._canary = Canary(settings, book.campaign, book.rows)
        self._threshold = Threshold(settings, book.rows)
        self._lanes = Lanes(max(policy.parallel for policy in policies.values()))
        self._broadcasts: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._offers = Offers(core, wire, members, book.campaign.group)
        self._storing = {name for name, network in core.networks.items() if network.stores}
        self._pause = min(policy.backoff_limit for policy in policies.values())

    async def run(self) -> None:
        """Until every member behind a host has a final state."""
        self.book.control.heed(self._controlled)
        await self._send_and_collect()
        async for host_id in in_slices(list(self._schedule.pending)):
            self._settle(host_id)
        await self._offers.let_go()

    def answer(self, originator: str, response: Response, network: str) -> None:
        """First wins; everything else is counted and changes nothing."""
        if originator in self._elsewhere:
            self._core.start(self._take_apart(originator, response, network), f"answer of {originator}")
        else:
            self._take(originator, response, network)

    async def _take_apart(self, cse: str, response: Response, network: str) -> None:
        """The answer of a CSE, for those of its members that it is for."""
        naming, directory = self._core.model.naming, self._elsewhere[cse]
        parts = split.parts(naming, cse, directory, response, self._schedule.is_asked)
        if parts is None:
            self.discard(Discard.MALFORMED, 1)
            return
        async for host, part in in_slices(parts):
            self._take(host, part, network)

    def _take(self, originator: str, response: Response, network: str) -> None:
        item = None if self._is_over else self._schedule.pending.get(originator)
        if item is None:
            self.discard(why_discarded(originator, self._hosts, self.answered), 1)
            return
        item.answer = {
            "status_code": response.status_code,
            "content": kept(response.content),
            "network": network,
            "attempts": item.attempts,
            "answered_at": self._core.clock.now(),
        }
        if self._is_asked_again(network, response):
            item.heard = False  # an error: nothing has been done
            self.book.preliminary(item.answer, item.positions)
        else:
            self._settle(originator)
            self._wake_when_done()

    def _is_asked_again(self, network: str, response: Response) -> bool:
        found = self._core.networks.get(network)
        return found is not None and found.policy.retries(response.status_code)

    def discard(self, reason: Discard, count: int) -> None:
        """Count answers that change nothing."""
        self.book.discarded(reason, count)

    def give_up(self, host_ids: Iterable[str], failure: Failure) -> None:
        """These hosts get nothing more by this campaign: it is cancelled, or a newer one has superseded it."""
        for host_id in host_ids:
            self._settle(host_id, failure)
        self._wake_when_done()

    def _controlled(self) -> None:
        """The campaign has been stopped, makes a pause, or goes on."""
        failure = self.book.control.failure
        if failure is not None:
            self.give_up(list(self._schedule.pending), failure)
        elif not self.book.control.is_paused:
            self._canary.prolong(self._core.clock.now())
        self._changed.set()

    def _judge(self) -> None:
        """Whether it may go on, and the others be asked after the first ones."""
        now = self._core.clock.now()
        objection = self._threshold.objection() or self._canary.objection(now)
        if objection:
            log.warning("campaign %s is aborted: %s", self.book.campaign.id, objection)
            self.book.control.set(ABORTED, objection)
        self._schedule.again(self._canary.released(), now)

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
            if clock.now() < self._send_until and not self.book.control.is_paused:
                self._judge()
                await self._send(self._schedule.take_due(clock.now()))
                upcoming = min(upcoming, self._schedule.next_due() or upcoming, self._canary.until)
            if self._schedule:
                await clock.within(upcoming - clock.now(), self._changed.wait())

    async def _send(self, due: Sequence[Pending]) -> None:
        if not due:
            return
        groups: dict[tuple[str, str], tuple[Offer, list[Pending]]] = {}
        await self._offers.refresh()
        due = self._canary.admit(due, self._offers, self._core.clock.now())
        plan = await aside(len(due), self._plan, due, self._core.clock.now())
        if not self.book.has_plan:
            self.book.plan(plan_document(plan, [item.host for item in due]))
        async for item, way, reason in in_slices(zip(due, plan.choices, plan.reasons, strict=True)):
            if way is None:
                self._unserved(item, reason)
            else:
                groups.setdefault((way.offer.id, way.address), (way.offer, []))[1].append(item)
        async for (_, address), (offer, items) in in_slices(groups.items(), FEW):
            if offer.broadcast:
                self._start_broadcast(partial(self._deliver, Way(offer, address), items))
            else:
                for part in _side_by_side(items):
                    self._lanes.add(offer.network, partial(self._deliver_each, Way(offer, address), part))

    def _plan(self, due: Sequence[Pending], now: float) -> Plan:
        usable = [self._schedule.usable(item, self._reach(item, now)) for item in due]
        return choose(usable, available_ms=int((self._deadline - now) * 1000))

    def _reach(self, item: Pending, now: float) -> Reach:
        return reach_of(item.host, self._canary.ways(item, self._offers.to(item.host)), self._storing, now)

    def _unserved(self, item: Pending, reason: Unreachable | None) -> None:
        """Nothing can carry the request to this host now; whether that may change depends on the reason."""
        waking = wakes_at(item.host, self._core.clock.now())
        if waking is not None:
            self._wait_for_device(item, waking)
            return
        item.unreachable = reason
        if self._is_hopeless(item, reason):
            self._settle(item.host.id)
            self._wake_when_done()
        else:
            self._schedule.again([item], self._core.clock.now() + self._pause)

    def _wait_for_device(self, item: Pending, waking: float) -> None:
        """Until it wakes, unless somebody waits for the answer."""
        item.unreachable = ASLEEP
        if not self.book.campaign.request_resource:
            self._settle(item.host.id)
            self._wake_when_done()
            return
        for position in item.positions:
            self.book.set(position, reason=WAITING_FOR_DEVICE)
        self._schedule.again([item], waking)

    def host_changed(self, host: Host) -> None:
        """Something that is of importance for reaching a host is different now: its turn has come, if it waits."""
        item = self._schedule.pending.get(host.id)
        if item is not None:
            item.host = host
            self._offers.forget(host)
            self._schedule.hasten(item, self._core.clock.now())
            self._changed.set()

    def _is_hopeless(self, item: Pending, reason: Unreachable | None) -> bool:
        never_sent = item.attempts == 0 and reason is not None and reason.reason not in TEMPORARY
        return never_sent or self._schedule.is_exhausted(item, self._offers.to(item.host))

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
        if self.book.control.is_paused:
            self._schedule.again(items, self._core.clock.now())
            return None
        number = await self._attempted(way, items)
        if items[0].host.cse and not self._schedule.repeats:
            await self.book.secure()  # a server that is killed now must not send it again when it is back
        delivery = self._delivery(way, items, number, ticket)
        failure = await attempt(self._core.networks, delivery)
        await self._come_back(items, way, delivery.window, failure)
        return failure

    async def _attempted(self, way: Way, items: Sequence[Pending]) -> int:
        """Note an attempt for these hosts; its number."""
        number = self._schedule.sending(items, way) if items else 0
        if way.offer.broadcast:
            self.book.campaign.document["broadcasts"] = self._schedule.sent
        async for item in in_slices(items):
            if item.host.id in self._schedule.pending:
                for position in item.positions:
                    self.book.set(position, network=way.offer.network, attempts=item.attempts, reason="")
        return number

    def _delivery(self, way: Way, items: Sequence[Pending], number: int, ticket: Ticket) -> Delivery:
        return Delivery(
            request=self._wire.elsewhere if way.offer.broadcast and items[0].host.cse else self._wire.to(items[0].host),
            offer=way.offer,
            address=way.address,
            hosts=[item.host for item in items],
            group=self.book.campaign.group,
            attempt=number,
            window=way.offer.latency(len(items)) / 1000,
            deadline=self._send_until,
            transmitted=partial(self._transmitted, way.offer.network, ticket),
        )

    def _transmitted(self, network: str, ticket: Ticket, transmissions: int, airtime_ms: float) -> None:
        ticket.transmitted(transmissions)
        self.book.transmitted(network, transmissions, airtime_ms)

    async def _come_back(self, items: list[Pending], way: Way, window: float, failure: Failure | None) -> None:
        """Those who stay silent have their next turn when the answers should be in, or after a pause."""
        now = self._core.clock.now()
        together = way.offer.broadcast and failure is None
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

    def _settle(self, host_id: str, failure: Failure | None = None) -> None:
        """The final state of a host: its answer, or why there is none."""
        item = self._schedule.answered(host_id)
        if item is None:
            return
        if item.answer is not None:
            self.answered.add(host_id)
            self._answered(item, item.answer)
        elif failure is None and not item.attempts and item.unreachable is not None:
            self._end(item, State.UNREACHABLE, item.unreachable.reason)
        else:
            failed = Failure(item.failure or Failure.SILENT) if item.attempts else Failure.EXPIRED
            self._end(item, State.FAILED, failure or failed)
        if failure is None:
            self._count(item)

    def _count(self, item: Pending) -> None:
        """What became of it says something of the request to the others."""
        if item.answer is None and not item.attempts:
            return
        succeeded = item.answer is not None and Response(item.answer["status_code"]).succeeded
        self._canary.ended(item.host.id, succeeded=succeeded)
        self._threshold.ended(len(item.positions), succeeded=succeeded)
        if self._canary.hosts or self._canary.is_holding or self._threshold.objection():
            self._changed.set()

    def _answered(self, item: Pending, answer: dict[str, Any]) -> None:
        """What a device has done to what is managed of it is not the answer yet: the tree follows."""
        if not (self._wire.follows(item.host) and Response(answer["status_code"]).succeeded):
            self.book.answered(answer, item.positions)
            return
        self.book.tally(answer, len(item.positions))
        for position in item.positions:
            self.book.set(position, network=answer["network"], attempts=answer["attempts"])
        self._follow(item.positions)

    def _end(self, item: Pending, state: State, reason: str) -> None:
        for position in item.positions:
            self.book.set(position, state=state.value, reason=str(reason), attempts=item.attempts)


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
