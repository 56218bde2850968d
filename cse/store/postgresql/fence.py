"""What keeps a process that has lost its place as conductor from writing what belongs to the one that has it now."""

from cse.store.postgresql.session import Session

# The lock waits for a change of conductor that is under way, and holds off the next one until this unit has ended.
_CONDUCTOR = "SELECT process FROM conductor FOR SHARE"


class NotConductor(Exception):
    """Another process has taken over; nothing of the unit remains."""


class Fence:
    """Of one process. `conducted` says whether it has been the conductor since it began."""

    def __init__(self, process: str) -> None:
        self.process = process
        self.conducted = False

    def check(self, session: Session) -> None:
        """In the transaction that writes: NotConductor unless this process conducts, or nobody has begun to."""
        row = session.one(_CONDUCTOR)
        allowed = self.process.encode() if self.conducted else None
        if row is None or row[0] not in (allowed, self.process.encode()):
            raise NotConductor("another process is the conductor now, so this one must not change campaigns")
