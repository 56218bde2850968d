"""What is wanted of a campaign that is under way: that it goes on, makes a pause, or stops."""

from collections.abc import Callable

from cse.fanout.states import ABORTED, CANCELLED, PAUSED, Failure
from cse.store import Campaign
from cse.work import Work

STOPPED = {CANCELLED: Failure.CANCELLED, ABORTED: Failure.ABORTED}


class Control:
    """Of one campaign, in whose `state` it stands."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._heeding: list[Callable[[], None]] = []

    @property
    def is_paused(self) -> bool:
        return self._campaign.state == PAUSED

    @property
    def failure(self) -> Failure | None:
        """What becomes of the members without an answer now, if the campaign has been stopped."""
        return STOPPED.get(self._campaign.state)

    def set(self, state: str, why: str = "") -> None:
        """Let the campaign be in this state from now on; one that has been stopped stays so."""
        if self.failure is not None or self._campaign.finished_at is not None:
            return
        self._campaign.state = state
        if why:
            self._campaign.document["why"] = why
        for heed in self._heeding:
            heed()

    def save(self, work: Work) -> None:
        """In a unit of work: from now on it holds after a restart as well."""
        work.transaction.campaigns.save(self._campaign)

    def heed(self, changed: Callable[[], None]) -> None:
        """Call this at every change, and once now."""
        self._heeding.append(changed)
        changed()

    def close(self) -> None:
        """The campaign is over: nobody is called any more, and nobody held."""
        self._heeding.clear()
