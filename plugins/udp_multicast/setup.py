"""Session set-up: every member of a group is told by unicast where to listen, or to listen no longer."""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from cse.network import DeliveryFailed
from cse.timing import Clock
from plugins.udp_multicast.coap import MAX_TOKEN, CoapError
from plugins.udp_multicast.exchanges import Exchanges
from plugins.udp_multicast.messages import Membership
from plugins.udp_multicast.sessions import Member, Session, Sessions, State
from plugins.udp_multicast.settings import UdpMulticastSettings
from plugins.udp_multicast.target import Endpoint

logger = logging.getLogger(__name__)

# How long a device may take between its empty acknowledgement and its response, in seconds.
RESPONSE_PAUSE = 10.0


class Outcome(StrEnum):
    """How a device has taken its set-up."""

    DONE = "done"
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(slots=True)
class Progress:
    """What the latest set-up of a group has cost and brought so far: datagrams sent, and how devices took them."""

    transmissions: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    refusers: set[str] = field(default_factory=set)

    def transmitted(self) -> None:
        self.transmissions += 1

    def count(self, device: str, outcome: Outcome) -> None:
        self.outcomes[outcome] += 1
        if outcome is Outcome.REFUSED:
            self.refusers.add(device)


class SetUps:
    """Brings sessions to what they should be, in the background. `progress` is by group."""

    def __init__(
        self, sessions: Sessions, exchanges: Exchanges, settings: UdpMulticastSettings, cse_id: str, clock: Clock
    ) -> None:
        self._sessions = sessions
        self._exchanges = exchanges
        self._settings = settings
        self._cse_id = cse_id
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.progress: dict[str, Progress] = {}

    def change(self, group: str, wanted: Mapping[str, Endpoint]) -> None:
        """From now on these are the members of a group. Those that leave count as left at once."""
        running = self._tasks.pop(group, None)
        if running:
            running.cancel()
        if not wanted and not self._sessions.get(group):
            return
        session = self._sessions.open(group, len(wanted))
        session.dismiss(wanted)
        if wanted and not session.differences(wanted):
            return
        task = self._tasks[group] = asyncio.create_task(self._run(session, wanted))
        task.add_done_callback(lambda done: self._finished(group, done))

    def resume(self) -> None:
        """Take up what the last stop has interrupted."""
        for session in list(self._sessions):
            wanted = session.wanted()
            if session.differences(wanted):
                self.change(session.group, wanted)

    async def settled(self) -> None:
        """Return when no set-up is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    async def stop(self) -> None:
        """Give up what is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sessions.written()

    def _finished(self, group: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(group) is task:
            del self._tasks[group]
        if not task.cancelled() and task.exception():
            logger.error("the set-up of group %s has failed", group, exc_info=task.exception())

    async def _run(self, session: Session, wanted: Mapping[str, Endpoint]) -> None:
        progress = self.progress[session.group] = Progress()
        await self._attempts(session, wanted, progress)
        if wanted and session.count(State.LEAVING) > self._settings.max_exclusions:
            # Too many may still listen that are not meant to: nobody who stays answers to the old segment again.
            session.renew()
            await self._attempts(session, wanted, progress)
        if not wanted:
            await self._sessions.forget(session)
            del self.progress[session.group]
        logger.info(
            "group %s: %d of %d members listen on %s; set-up: %d transmissions, %s",
            session.group,
            session.count(State.JOINED),
            len(wanted),
            session.address,
            progress.transmissions,
            dict(progress.outcomes),
        )

    async def _attempts(self, session: Session, wanted: Mapping[str, Endpoint], progress: Progress) -> None:
        for attempt in range(self._settings.setup_attempts):
            differences = session.differences(wanted)
            steps = {device: member for device, member in differences.items() if device not in progress.refusers}
            if not steps:
                return
            if attempt:
                await self._clock.sleep(self._settings.setup_pause * 2 ** (attempt - 1))
            # Before the first of them can hear of it: from now on they may be listening, whatever happens to us.
            session.members.update(steps)
            await self._sessions.save(session)
            await self._carry_out(session, steps, progress)
            await self._sessions.save(session)

    async def _carry_out(self, session: Session, steps: Mapping[str, Member], progress: Progress) -> None:
        remaining = iter(steps.items())
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(self._settings.setup_parallel, len(steps))):
                workers.create_task(self._work(session, remaining, progress))

    async def _work(self, session: Session, remaining: Iterator[tuple[str, Member]], progress: Progress) -> None:
        for device, member in remaining:
            outcome = await self._ask(session, device, member, progress)
            progress.count(device, outcome)
            if outcome is Outcome.DONE and member.state is State.INVITED:
                session.members[device] = Member(member.endpoint, State.JOINED)
            elif outcome is not Outcome.SILENT:
                # It has left, has declined, or its program is gone and its membership with it.
                del session.members[device]

    async def _ask(self, session: Session, device: str, member: Member, progress: Progress) -> Outcome:
        membership = Membership(self._cse_id, device, str(session.address), session.segment, session.window)
        make = membership.join if member.state is State.INVITED else membership.leave
        token = secrets.token_bytes(MAX_TOKEN)
        try:
            message = replace(make(f"setup-{token.hex()}", self._clock.now()), token=token)
            response = await self._exchanges.ask(message, member.endpoint, RESPONSE_PAUSE, progress.transmitted)
        except DeliveryFailed as failure:
            return Outcome.REFUSED if failure.refused else Outcome.SILENT
        except CoapError:
            return Outcome.REFUSED
        if response is None:
            return Outcome.SILENT
        return Outcome.DONE if response.code_class == 2 else Outcome.REFUSED
