"""Brings the other CSEs to listen for a group, or to listen no longer (TS-0001 clause 10.2.7.13)."""

import asyncio
import itertools
import logging

from cse.timing import Clock
from plugins.udp_multicast.addresses import room
from plugins.udp_multicast.cses.inviter import Inviter
from plugins.udp_multicast.cses.records import Record, Records, Wanted
from plugins.udp_multicast.cses.round import SMALLEST_GROUP, Round
from plugins.udp_multicast.settings import UdpMulticastSettings

logger = logging.getLogger(__name__)


class SetUps:
    """One task per group, which goes on until all CSEs that are wanted listen, and then looks after them.

    Those that are silent or refuse are asked again and again, with growing pauses.
    """

    def __init__(self, records: Records, inviter: Inviter, settings: UdpMulticastSettings, clock: Clock) -> None:
        self._records = records
        self._inviter = inviter
        self._settings = settings
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._idle: dict[str, asyncio.Event] = {}
        self._looked_after: set[str] = set()

    def change(self, group: str, wanted: Wanted) -> None:
        """From now on these are the CSEs with members of a group, if they are enough."""
        self._end(group)
        wanted = wanted if len(wanted) >= SMALLEST_GROUP else {}
        if not wanted and self._records.get(group) is None:
            return
        self._idle[group] = asyncio.Event()
        task = self._tasks[group] = asyncio.create_task(self._run(group, wanted))
        task.add_done_callback(lambda done: self._finished(group, done))

    def _end(self, group: str) -> None:
        if group in self._tasks:
            self._tasks.pop(group).cancel()
            self._idle.pop(group).set()

    async def settled(self) -> None:
        """Return when nothing is under way: all has been done that can be done before a pause."""
        while busy := [idle for idle in self._idle.values() if not idle.is_set()]:
            await busy[0].wait()

    async def stop(self) -> None:
        """Give up what is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._records.written()

    def _finished(self, group: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(group) is task:
            del self._tasks[group]
            self._idle.pop(group).set()
        if not task.cancelled() and task.exception():
            logger.error("the multicast set-up of group %s has failed", group, exc_info=task.exception())

    async def _run(self, group: str, wanted: Wanted) -> None:
        settings = self._settings
        record = self._records.open(group, settings.window(room(len(wanted))))
        round_ = Round(record, wanted, self._records, self._inviter, settings.setup_parallel)
        if group not in self._looked_after or record.window < settings.window(len(wanted)):
            record.window = max(record.window, settings.window(room(len(wanted))))
            round_.renew()
        self._looked_after.add(group)
        for attempt in itertools.count():
            await round_.work()
            if not wanted and not record.listeners:
                await self._forget(record)
                return
            self._log(record, wanted)
            self._idle[group].set()
            await self._clock.sleep(self._pause(round_, attempt))
            self._idle[group].clear()

    def _pause(self, round_: Round, attempt: int) -> float:
        """Seconds until the next round, which is one for all if nothing else is left to be done."""
        if round_.is_complete:
            round_.renew()
            return self._settings.renewal
        return min(self._settings.renewal, self._settings.setup_pause * 2.0 ** min(attempt, 30))

    async def _forget(self, record: Record) -> None:
        self._looked_after.discard(record.group)
        await self._records.forget(record)

    def _log(self, record: Record, wanted: Wanted) -> None:
        logger.info(
            "group %s: %d of %d CSEs listen on %s; set-up so far: %s",
            record.group,
            sum(bool(record.joined(cse)) for cse in wanted),
            len(wanted),
            record.address,
            ", ".join(f"{count} {outcome}" for outcome, count in sorted(self._inviter.outcomes.items())),
        )
