"""Brings the other CSEs to listen for a group, or to listen no longer (TS-0001 clause 10.2.7.13)."""

import asyncio
import logging

from cse.multicast.addresses import room
from cse.multicast.inviter import Inviter
from cse.multicast.records import Key, Record, Records, Wanted
from cse.multicast.round import SMALLEST_GROUP, Round
from cse.multicast.settings import MulticastSettings
from cse.timing import Clock

logger = logging.getLogger(__name__)


class SetUps:
    """One task per record, which goes on until all CSEs that are wanted listen, and then looks after them.

    Those that are silent or refuse are asked again and again, with growing pauses.
    """

    def __init__(self, records: Records, inviter: Inviter, settings: MulticastSettings, clock: Clock) -> None:
        self._records = records
        self._inviter = inviter
        self._settings = settings
        self._clock = clock
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._idle: dict[Key, asyncio.Event] = {}
        self._wanted: dict[Key, Wanted] = {}
        self._looked_after: set[Key] = set()

    def change(self, group: str, wanted: Wanted, external_group: str = "") -> None:
        """From now on these are the CSEs with members of a group, if they are enough."""
        key = group, external_group
        self._end(key)
        wanted = wanted if len(wanted) >= SMALLEST_GROUP else {}
        if not wanted and self._records.get(*key) is None:
            return
        self._wanted[key] = wanted
        self._idle[key] = asyncio.Event()
        task = self._tasks[key] = asyncio.create_task(self._run(key, wanted))
        task.add_done_callback(lambda done: self._finished(key, done))

    async def again(self, group: str, external_group: str = "") -> None:
        """Do at once what is left to be done, and return when it has been tried."""
        key = group, external_group
        self.change(group, self._wanted.get(key, {}), external_group)
        if key in self._idle:
            await self._idle[key].wait()

    def _end(self, key: Key) -> None:
        if key in self._tasks:
            self._tasks.pop(key).cancel()
            self._idle.pop(key).set()
            self._wanted.pop(key, None)

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

    def _finished(self, key: Key, task: asyncio.Task[None]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
            self._idle.pop(key).set()
        if not task.cancelled() and task.exception():
            logger.error("the multicast set-up of group %s has failed", key[0], exc_info=task.exception())

    async def _run(self, key: Key, wanted: Wanted) -> None:
        settings = self._settings
        record = self._records.open(key, settings.window(room(len(wanted))))
        round_ = Round(record, wanted, self._records, self._inviter, settings.setup_parallel)
        if key not in self._looked_after or record.window < settings.window(len(wanted)):
            record.window = max(record.window, settings.window(room(len(wanted))))
            round_.renew()
        self._looked_after.add(key)
        again, failures = self._clock.now() + settings.renewal, 0
        while True:
            await round_.work()
            if not wanted and not record.listeners:
                await self._forget(record)
                return
            self._log(record, wanted)
            self._idle[key].set()
            await self._clock.sleep(min(again - self._clock.now(), self._pause(round_, record, failures)))
            self._idle[key].clear()
            failures = 0 if round_.is_complete else failures + 1
            if self._clock.now() >= again:
                round_.renew()
                again += settings.renewal

    def _pause(self, round_: Round, record: Record, failures: int) -> float:
        """Seconds until the next round."""
        if round_.is_complete:
            return max(self._settings.setup_pause, self._inviter.bearer.lasts(record))
        return self._settings.setup_pause * 2.0 ** min(failures, 30)

    async def _forget(self, record: Record) -> None:
        self._looked_after.discard(record.key)
        self._wanted.pop(record.key, None)
        await self._inviter.bearer.close(record)
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
