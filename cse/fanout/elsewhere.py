"""Members on other CSEs, and what stands for them here."""

from dataclasses import replace

from cse.forwarding import remote_host
from cse.network import Host
from cse.work import Work


class Elsewhere:
    """Finds the hosts of members; the way to each CSE is looked for once."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._found: dict[str, Host | None] = {}

    def host(self, address: str, member: str) -> Host | None:
        """The host at an SP-relative address, for this member of a group; None if no way leads to its CSE."""
        cse = self._work.model.naming.other_cse(address)
        if cse is None:
            return None
        if cse not in self._found:
            self._found[cse] = remote_host(self._work, address)
        known = self._found[cse]
        return None if known is None else replace(known, id=address, member=member)
