"""The fragmented requests that a device is receiving."""

from dataclasses import dataclass, field

from plugins.lora_broadcast.fragments import Assembly, Fragment, Setup, Status


@dataclass(slots=True)
class Assemblies:
    """One assembly for each session; a new set-up takes the place of an older one."""

    _assemblies: dict[int, Assembly] = field(default_factory=dict)

    def add(self, message: Setup | Fragment, *, again: bool) -> bytes:
        """Take in a message; the request if it completes one. `again`: a known set-up begins anew."""
        if isinstance(message, Setup):
            known = self._assemblies.get(message.session)
            if again or known is None or known.setup != message:
                self._assemblies[message.session] = Assembly(message)
            return b""
        assembly = self._assemblies.get(message.session)
        if assembly is None or not assembly.missing:
            return b""
        assembly.add(message)
        return b"" if assembly.missing else assembly.payload()

    def status(self, session: int) -> Status | None:
        """What is to be told of a session: nothing if it is complete or unknown."""
        assembly = self._assemblies.get(session)
        if assembly is None or not assembly.missing:
            return None
        return Status(session, assembly.received, assembly.missing)
