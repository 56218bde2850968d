"""Asking one device to listen to a group, or to listen no longer."""

import secrets
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum

from cse.coap.message import MAX_TOKEN, CoapError
from cse.network import DeliveryFailed
from cse.timing import Clock
from plugins.udp_multicast.exchanges import Exchanges
from plugins.udp_multicast.messages import Membership
from plugins.udp_multicast.sealing import Sealer, is_genuine
from plugins.udp_multicast.sessions import Member, Session, State

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


class Inviter:
    """Sends set-up requests."""

    def __init__(self, exchanges: Exchanges, cse_id: str, clock: Clock, sealer: Sealer) -> None:
        self._exchanges = exchanges
        self._sealer = sealer
        self._cse_id = cse_id
        self._clock = clock

    async def ask(self, session: Session, device: str, member: Member, progress: Progress) -> Outcome:
        """Tell a device to join, or to leave if that is its state, and count it all in `progress`."""
        outcome = await self._ask(session, device, member, progress)
        progress.count(device, outcome)
        return outcome

    async def _ask(self, session: Session, device: str, member: Member, progress: Progress) -> Outcome:
        membership = self._membership(session, device)
        make = membership.leave if member.state is State.LEAVING else membership.join
        token = secrets.token_bytes(MAX_TOKEN)
        identifier = f"setup-{token.hex()}"
        try:
            made = make(identifier, self._clock.now())
            message = replace(self._sealer.to_device(made, device), token=token)
            response = await self._exchanges.ask(message, member.endpoint, RESPONSE_PAUSE, progress.transmitted)
        except DeliveryFailed as failure:
            return Outcome.REFUSED if failure.refused else Outcome.SILENT
        except CoapError:
            return Outcome.REFUSED
        if response is None or not is_genuine(response, identifier, device, self._sealer.protection):
            return Outcome.SILENT
        return Outcome.DONE if response.code_class == 2 else Outcome.REFUSED

    def _membership(self, session: Session, device: str) -> Membership:
        membership = Membership(self._cse_id, device, str(session.address), session.segment, session.window)
        return replace(membership, secret=self._sealer.group_secret(membership.target))
