"""Members that have heard a multicast request by unicast only may have restarted and forgotten their group."""

import asyncio

from cse.slices import work_off
from plugins.udp_multicast.invitation import Inviter, Outcome, Progress
from plugins.udp_multicast.sessions import Session


class Refresher:
    """Tells such members again where to listen, in the background; `progress` says what that has cost."""

    def __init__(self, inviter: Inviter, parallel: int) -> None:
        self._inviter = inviter
        self._parallel = parallel
        self._waiting: dict[tuple[str, str], Session] = {}
        self._task: asyncio.Task[None] | None = None
        self.progress = Progress()

    def refresh(self, session: Session, device: str) -> None:
        """One of these members."""
        self._waiting[session.group, device] = session
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def settled(self) -> None:
        """Return when nobody is left to be told."""
        if self._task:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, {}
            steps = [(session, device) for (_, device), session in waiting.items()]
            await work_off(steps, self._tell, min(self._parallel, len(steps)))

    async def _tell(self, step: tuple[Session, str]) -> None:
        session, device = step
        member = session.members.get(device)
        if member is None or not session.joined(device, member.endpoint):
            return
        outcome = await self._inviter.ask(session, device, member, self.progress)
        if outcome is Outcome.REFUSED:
            session.members.pop(device, None)
