"""Session set-up: every member of a group is told by unicast where to listen, or to listen no longer."""

import asyncio
import logging
from collections.abc import Mapping

from cse.coap.target import Endpoint
from cse.slices import work_off
from cse.timing import Clock
from plugins.udp_multicast.invitation import Inviter, Outcome, Progress
from plugins.udp_multicast.sessions import Member, Session, Sessions, State
from plugins.udp_multicast.settings import UdpMulticastSettings

logger = logging.getLogger(__name__)


class SetUps:
    """Brings sessions to what they should be, in the background. `progress` is by group."""

    def __init__(self, sessions: Sessions, inviter: Inviter, settings: UdpMulticastSettings, clock: Clock) -> None:
        self._sessions = sessions
        self._inviter = inviter
        self._settings = settings
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
        if wanted and self._settings.encrypt and session.members.keys() - wanted.keys():
            # Whoever leaves knows the secret of the group, so those who stay get another one.
            session.renew()
        session.dismiss(wanted)
        task = self._tasks[group] = asyncio.create_task(self._run(session, wanted))
        task.add_done_callback(lambda done: self._finished(group, done))

    def resume(self) -> None:
        """Take up what the last stop has interrupted."""
        for session in list(self._sessions):
            self.change(session.group, session.wanted())

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

    async def _attempts(self, session: Session, wanted: Mapping[str, Endpoint], progress: Progress) -> None:
        for attempt in range(self._settings.setup_attempts):
            differences = await session.differences(wanted)
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
            self._log(session, len(wanted), progress)

    @staticmethod
    def _log(session: Session, wanted: int, progress: Progress) -> None:
        logger.info(
            "group %s: %d of %d members listen on %s; set-up: %d transmissions, %s",
            session.group,
            session.count(State.JOINED),
            wanted,
            session.address,
            progress.transmissions,
            ", ".join(f"{count} {outcome}" for outcome, count in sorted(progress.outcomes.items())),
        )

    async def _carry_out(self, session: Session, steps: Mapping[str, Member], progress: Progress) -> None:
        async def work(step: tuple[str, Member]) -> None:
            device, member = step
            outcome = await self._inviter.ask(session, device, member, progress)
            if outcome is Outcome.DONE and member.state is State.INVITED:
                session.members[device] = Member(member.endpoint, State.JOINED)
            elif outcome is not Outcome.SILENT:
                # It has left, has declined, or its program is gone and its membership with it.
                del session.members[device]

        await work_off(steps.items(), work, min(self._settings.setup_parallel, len(steps)))
