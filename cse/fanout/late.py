"""Answers that come when their campaign is over: they change nothing and are counted, for as long as we remember."""

from collections import OrderedDict
from collections.abc import Collection

from cse.core import Core
from cse.door import Door
from cse.fanout.discarded import count_discarded, why_discarded
from cse.network import Discard
from cse.primitive import Response
from cse.store import Campaign

CAMPAIGNS = 100
HOSTS = 200_000


class _Finished:
    """Of one campaign. It is a `cse.door.Receiver`; `hosts` are all that were asked, `answered` those in time."""

    def __init__(self, core: Core, campaign: Campaign, hosts: Collection[str], answered: Collection[str]) -> None:
        self.hosts = hosts
        self._core = core
        self._campaign = campaign
        self._answered = answered
        self._is_saved = True
        self._is_saving = False

    def answer(self, originator: str, response: Response, network: str) -> None:
        self.discard(why_discarded(originator, self.hosts, self._answered), 1)

    def discard(self, reason: Discard, count: int) -> None:
        count_discarded(self._campaign, reason, count)
        self._is_saved = False
        if not self._is_saving:
            self._is_saving = True
            self._core.start(self._save(), f"late answers of {self._campaign.id}")

    async def secure(self) -> None:
        """They change nothing."""

    async def _save(self) -> None:
        """Many at once if many come."""
        try:
            while not self._is_saved:
                self._is_saved = True
                await self._core.run(lambda work: work.transaction.campaigns.save(self._campaign))
        finally:
            self._is_saving = False


class LateAnswers:
    """At the door, for the last finished campaigns: so many, and of so many hosts together, that memory is bounded."""

    def __init__(self, core: Core, door: Door) -> None:
        self._core = core
        self._door = door
        self._kept: OrderedDict[str, int] = OrderedDict()

    def count_for(self, campaign: Campaign, hosts: Collection[str], answered: Collection[str]) -> None:
        """A campaign is over: answers to it are counted from now on, unless nobody will see its report."""
        if not campaign.request_resource:
            self._door.forget(campaign.id)
            return
        self._kept[campaign.id] = len(hosts)
        self._door.expect(campaign.id, _Finished(self._core, campaign, frozenset(hosts), answered))
        while len(self._kept) > CAMPAIGNS or sum(self._kept.values()) > HOSTS:
            self._door.forget(self._kept.popitem(last=False)[0])
