"""The rows and counters of a running campaign: changed in memory, written in batches, never lost once written."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from cse.core import Core
from cse.fanout.control import Control
from cse.fanout.departures import follow
from cse.fanout.discarded import count_discarded
from cse.fanout.progress import Progress
from cse.fanout.reach import setup_traffic
from cse.fanout.states import State
from cse.network import Discard
from cse.slices import SLICE, batches, in_slices
from cse.store import Campaign, Row
from cse.work import Work

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds after which a store that has failed is tried again
MOST_SIGNATURES = 100  # of the plan, which is written with every batch of rows


class Book:
    """`rows` is the present state of every member, by position; they are in the store as well if `stores_rows`."""

    def __init__(
        self, core: Core, campaign: Campaign, rows: Sequence[Row], progress: Progress, *, stores_rows: bool = True
    ) -> None:
        self.rows = list(rows)
        self.campaign = campaign
        self._stores_rows = stores_rows
        self.control = Control(campaign)
        self._core = core
        self._progress = progress
        self._dirty: dict[int, Row] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._changed = asyncio.Event()
        self._over = False
        self._document: dict[str, Any] = campaign.document
        self.control.heed(self.touch)

    def touch(self) -> None:
        """The campaign's state or document has changed; it is written soon."""
        self._changed.set()

    def set(self, position: int, **changes: Any) -> None:
        """Change a row; it is written soon."""
        self.replace(self.rows[position]._replace(**changes))

    def replace(self, row: Row) -> None:
        """This is what the row at its position is now; it is written soon."""
        self.rows[row.position] = self._dirty[row.position] = row
        self._changed.set()

    def store(self, work: Work, rows: Collection[Row]) -> None:
        """In the unit of work in which members have come to be as these rows say."""
        if self._stores_rows:
            work.transaction.campaigns.write(self.campaign.id, rows)

    def written(self, rows: Sequence[Row]) -> None:
        """Others have written these rows, together with what they have done to members."""
        for row in rows:
            self.rows[row.position] = row
        is_first = self._progress.due_in(self._core.clock.now()) is None
        self._progress.add(rows)
        if is_first:
            self._changed.set()

    def answered(self, row_changes: dict[str, Any], positions: Sequence[int]) -> None:
        """A host has answered for these members; its network's totals follow."""
        for position in positions:
            self.set(position, state=State.ANSWERED.value, reason="", **row_changes)
        self.tally(row_changes, len(positions))

    def tally(self, row_changes: dict[str, Any], members: int) -> None:
        """A host has answered for so many members."""
        totals = self._totals(row_changes["network"])
        totals["repaired"] += members if row_changes["attempts"] > 1 else 0
        totals["seconds"] = round(row_changes["answered_at"] - self.campaign.created, 3)

    def preliminary(self, row_changes: dict[str, Any], positions: Sequence[int]) -> None:
        """A host has answered for these members and is asked again; this is its answer if no other one comes."""
        for position in positions:
            self.set(position, **row_changes)

    @property
    def has_plan(self) -> bool:
        return "plan" in self._document

    def plan(self, document: dict[str, Any]) -> None:
        """Keep this plan, the first, for the report; of its signatures, which come largest first, a bounded number."""
        kept = document["signatures"][:MOST_SIGNATURES]
        left_out = len(document["signatures"]) - len(kept)
        self._document["plan"] = document | {"signatures": kept, "signaturesLeftOut": left_out}
        self._changed.set()

    def transmitted(self, network: str, transmissions: int, airtime_ms: float) -> None:
        """A network has put something on its medium."""
        totals = self._totals(network)
        totals["transmissions"] += int(transmissions)
        totals["airtimeMs"] += float(airtime_ms)
        self._changed.set()

    def discarded(self, reason: Discard, count: int) -> None:
        """Answers came in that change nothing."""
        count_discarded(self.campaign, reason, count)
        self._changed.set()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Write whatever changes inside. Behind it the campaign is over, unless it was left by an exception."""
        self._writing = asyncio.create_task(self._keep_writing(), name=f"rows of {self.campaign.id}")
        try:
            yield
            await self._finish()
        except BaseException:
            await self._stop()
            raise

    async def _stop(self) -> None:
        """Write what has changed and no more: the server stops, the campaign will be resumed."""
        self._over = True
        self._writing.cancel()
        await asyncio.gather(self._writing, return_exceptions=True)
        try:
            await self.write()
        except Exception:
            log.exception("the last changes of campaign %s are lost", self.campaign.id)
        finally:
            for waiting in self._waiting:
                waiting.cancel()

    async def secure(self) -> None:
        """Write everything so far, now."""
        await self._persistently(self.write)

    async def settled(self) -> None:
        """Return when everything so far has been written; many who wait share one commit."""
        if not self._writing.done():
            written = asyncio.get_running_loop().create_future()
            self._waiting.append(written)
            self._changed.set()
            await written

    async def write(self) -> None:
        """Write what has changed so far and, when it is time, tell the originator what had been written before."""
        is_changed = self._changed.is_set()
        self._changed.clear()
        dirty, self._dirty = self._dirty, {}
        waiting, self._waiting = self._waiting, []
        self._document["setup"] = setup_traffic(self._core.networks.values(), self.campaign.group)
        news = None if self._over else self._progress.take(self._core.clock.now())

        def unit(work: Work) -> None:
            self.store(work, dirty.values())
            work.transaction.campaigns.save(self.campaign)
            follow(work, self._progress.request, dirty.values())
            if news is not None:
                self._progress.tell(work, news)

        try:
            await self._core.run(unit)
        except BaseException:
            self._dirty |= {position: self.rows[position] for position in dirty}
            self._waiting += waiting
            if news is not None:
                self._progress.put_back(news)
            raise
        _release(waiting)
        async for rows in in_slices(batches(dirty.values(), SLICE), 1):
            self._progress.add(rows, is_changed=is_changed)

    async def _finish(self) -> None:
        """Write the rest and end the campaign; the end itself is the last thing that is told."""
        self._over = True
        self._changed.set()
        await self._writing
        await self._persistently(partial(self._core.run, self._progress.finish))

    def _totals(self, network: str) -> dict[str, Any]:
        """`seconds` is when the last answer came, from the beginning of the campaign."""
        nothing = {"transmissions": 0, "airtimeMs": 0.0, "repaired": 0, "seconds": 0.0}
        totals: dict[str, Any] = self._document.setdefault("networks", {}).setdefault(network, nothing)
        return totals

    async def _keep_writing(self) -> None:
        """While one batch is being committed the next one gathers."""
        while not self._over or self._changed.is_set():
            await self._something_to_do()
            await self._persistently(self.write)

    async def _something_to_do(self) -> None:
        """A row to write, or written ones that the originator is to hear of."""
        pause = self._progress.due_in(self._core.clock.now())
        if pause is None:
            await self._changed.wait()
        else:
            await self._core.clock.within(pause, self._changed.wait())

    async def _persistently(self, step: Callable[[], Awaitable[None]]) -> None:
        """A store that fails for a while, because the disk is full for example, delays a campaign but ends none."""
        while True:
            try:
                return await step()
            except Exception:
                log.exception("campaign %s could not be written; next attempt in %g s", self.campaign.id, PAUSE)
                await self._core.clock.sleep(PAUSE)


def _release(waiting: list[asyncio.Future[None]]) -> None:
    for written in waiting:
        if not written.done():
            written.set_result(None)
