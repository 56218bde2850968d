"""What is to be done for one group at other CSEs, as far as it can be done at once."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from cse.multicast.inviter import Inviter, Outcome
from cse.multicast.records import Listener, Place, Record, Records, Wanted
from cse.slices import work_off

T = TypeVar("T")

SMALLEST_GROUP = 2


class Round:
    """`work` may be repeated: it asks those again that were silent or have refused, and after `renew` all.

    At least two CSEs must listen: a single one listens in vain, and is told to listen no longer.
    """

    def __init__(self, record: Record, wanted: Wanted, records: Records, inviter: Inviter, parallel: int) -> None:
        self._record = record
        self._wanted = wanted
        self._records = records
        self._inviter = inviter
        self._parallel = parallel
        self._failed: set[str] = set()
        self._renewed: set[str] = set()
        self._stubborn: set[Place] = set()
        self._is_open = True

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left that another round could bring about."""
        record = self._record
        return self._is_open and not (record.to_be_told(self._wanted) or record.to_be_left(self._wanted))

    def renew(self) -> None:
        """Everybody is to be told again: what he has may have been deleted, or its time be over."""
        self._renewed = set(self._wanted)

    async def work(self) -> None:
        """First those leave who must, so that nobody hears what is not for him, then the others are told."""
        await self._leave()
        await self._tell()
        joined = [cse for cse in self._wanted if self._record.joined(cse)]
        if len(joined) < SMALLEST_GROUP:
            await self._each([(cse, self._record.segment) for cse in joined], self._dismiss)
        await self._leave()

    async def _leave(self) -> None:
        record = self._record
        await self._each(record.to_be_left(self._wanted), self._dismiss)
        if any(segment == record.segment for _, segment in record.to_be_left(self._wanted)):
            # Somebody may still listen who is not meant to: nobody who stays answers to the old segment again.
            record.generation += 1
        for place in self._stubborn:
            record.listeners.pop(place, None)
        self._stubborn.clear()

    async def _tell(self) -> None:
        """Those first with whom it has failed the last time: without them, others may be told in vain.

        Nobody is told anything while there is nothing that could carry a request to him.
        """
        self._is_open = not self._wanted or await self._inviter.bearer.open(self._record)
        if not self._is_open:
            return
        steps = list(dict.fromkeys([*self._record.to_be_told(self._wanted), *sorted(self._renewed)]))
        first = [cse for cse in steps if cse in self._failed]
        rest = [cse for cse in steps if cse not in self._failed]
        await self._invite(first)
        joined = sum(bool(self._record.joined(cse)) for cse in self._wanted if cse not in rest)
        if joined + len(rest) >= SMALLEST_GROUP:
            await self._invite(rest)

    async def _invite(self, cses: Sequence[str]) -> None:
        """Noted before the first of them can hear of it: from now on it may listen, whatever happens to us."""
        known = {cse for cse in cses if (cse, self._record.segment) in self._record.listeners}
        for cse in cses:
            self._expect(cse)
        if cses:
            await self._records.save(self._record)
        await self._each(cses, lambda cse: self._join(cse, cse in known))

    def _expect(self, cse: str) -> None:
        place, members = (cse, self._record.segment), self._wanted[cse]
        before = self._record.listeners.get(place, Listener((), sure=False))
        if before.members != members:
            either = tuple(dict.fromkeys((*before.members, *members)))
            self._record.listeners[place] = Listener(either, sure=False)

    async def _join(self, cse: str, known: bool) -> None:
        place, members = (cse, self._record.segment), self._wanted[cse]
        outcome = await self._inviter.join(self._record, cse, members, known)
        self._renewed.discard(cse)
        if outcome is Outcome.DONE:
            self._failed.discard(cse)
            self._record.listeners[place] = Listener(members, sure=True)
            return
        self._failed.add(cse)
        if outcome is Outcome.REFUSED and known:
            await self._dismiss(place)
        elif outcome is Outcome.REFUSED:
            del self._record.listeners[place]

    async def _dismiss(self, place: Place) -> None:
        outcome = await self._inviter.leave(place)
        if outcome is Outcome.DONE:
            self._record.listeners.pop(place, None)
        elif outcome is Outcome.REFUSED:
            self._stubborn.add(place)

    async def _each(self, steps: Iterable[T], work: Callable[[T], Awaitable[None]]) -> None:
        steps = list(steps)
        if steps:
            await work_off(steps, work, min(self._parallel, len(steps)))
            await self._records.save(self._record)
