"""A device request under way: plan, deliver, collect, repair the silent ones, until the last answer or the deadline."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cse.core import Core
from cse.fanout import split
from cse.fanout.book import Book
from cse.fanout.discarded import why_discarded
from cse.fanout.entry import Limits, Members
from cse.fanout.offers import Offers
from cse.fanout.ramp import Canary, Threshold
from cse.fanout.report import plan_document
from cse.fanout.rest import ASLEEP, reach_of, wakes_at
from cse.fanout.schedule import TEMPORARY, Pending, Schedule
from cse.fanout.sending import Sending
from cse.fanout.states import ABORTED, WAITING_FOR_DEVICE, Failure, State
from cse.fanout.wire import Wire
from cse.matching import Plan, choose
from cse.network import Discard, Host, Offer, Reach, Unreachable, Way
from cse.primitive import Response, kept
from cse.slices import FEW, aside, in_slices

log = logging.getLogger(__name__)


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
        self._changed = asyncio.Event()
        self._taking_apart: set[asyncio.Task[None]] = set()
        self._sending = Sending(core, book, wire, self._schedule, limits.send_until, self._changed)
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
            taking = self._core.start(self._take_apart(originator, response, network), f"answer of {originator}")
            self._taking_apart.add(taking)
            taking.add_done_callback(self._taking_apart.discard)
        else:
            self._take(originator, response, network)

    async def secure(self) -> None:
        """Return when the answers so far are durable."""
        await asyncio.gather(*self._taking_apart, return_exceptions=True)
        await self.book.settled()

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
        network = network or item.network
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
            await self._sending.stop()

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
            self._sending.start(Way(offer, address), items)

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
