"""The bearer of a group in the mobile network: a TMGI, allocated, renewed and given back."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping

from cse.multicast.bearer import Bearer
from cse.multicast.records import Key, Record, Records
from cse.timing import Clock
from plugins.mbms.scef import Scef, ScefError, Tmgi

logger = logging.getLogger(__name__)


class MobileBearer(Bearer):
    """Answers come by way of the oneM2M network: it is not the group host whom those who listen hear, but the SCEF."""

    def __init__(self, scef: Scef, records: Records, clock: Clock, cse_id: str, margin: float) -> None:
        self._scef = scef
        self._records = records
        self._clock = clock
        self._answers_to = f"{cse_id}/-"
        self._margin = margin
        self._turns: defaultdict[Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def open(self, record: Record) -> bool:
        async with self._turns[record.key]:
            if self.lasts(record) > 0:
                return True
            try:
                found = await self._obtain(record)
            except ScefError as error:
                logger.warning("no TMGI for %s: %s", record.external_group, error)
                return self.is_good(record)
            if found.name != record.tmgi:
                record.doubt()
            record.tmgi, record.expiration = found
            await self._records.save(record)
            return True

    async def close(self, record: Record) -> None:
        self._turns.pop(record.key, None)
        if record.tmgi:
            try:
                await self._scef.release(record.tmgi)
            except ScefError as error:
                logger.info("the TMGI of %s is not given back, it expires: %s", record.external_group, error)

    def lasts(self, record: Record) -> float:
        return max(0.0, record.expiration - self._clock.now() - self._margin)

    def is_good(self, record: Record) -> bool:
        """Whether the TMGI can be used now."""
        return record.expiration > self._clock.now()

    def attributes(self, record: Record) -> Mapping[str, str]:
        return {"egid": record.external_group, "tmgi": record.tmgi, "rstt": self._answers_to}

    async def _obtain(self, record: Record) -> Tmgi:
        """The same one for longer, or another one if the SCEF does not know it any more."""
        if record.tmgi:
            try:
                return await self._scef.renew(record.external_group, record.tmgi)
            except ScefError as error:
                if not error.refused:
                    raise
        return await self._scef.allocate(record.external_group)
