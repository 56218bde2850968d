"""Which signed requests are new: what somebody remembers who receives them."""

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

SKEW = 300.0  # seconds that the clocks of sender and receiver may differ
REMEMBERED = 64


class Refusal(StrEnum):
    """Why a request was ignored: it has no signature, or one of nobody who is trusted; it had come before, or is older
    than one that has; it is over, or not of this time; it was meant for others; it cannot be decrypted.
    """

    UNSIGNED = "unsigned"
    FORGED = "forged"
    REPLAYED = "replayed"
    EXPIRED = "expired"
    MISDIRECTED = "misdirected"
    UNREADABLE = "unreadable"


class Refused(Exception):
    """A request that is to be ignored, and counted."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class Moment(NamedTuple):
    """When a request was made and when it ends, in seconds since 1970; `expires` is None where it does not say."""

    made: float
    expires: float | None = None


@dataclass(slots=True)
class _Known:
    """A request that was let in: when it was made, and the signatures of its messages so far."""

    made: float
    signatures: set[bytes] = field(default_factory=set)


class Freshness:
    """What has come from one sender by one way. Only what has been verified comes in here.

    A request is let in when it was made after the newest one so far. Once more it is let in as another message of the
    same sender (a repair by unicast, say), which has another signature; a copy of a message is not.
    """

    def __init__(self) -> None:
        self._newest = float("-inf")
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def admit(self, identifier: str, moment: Moment, signature: bytes, now: float) -> None:
        """Let a request in, or raise Refused."""
        expires = moment.made if moment.expires is None else moment.expires
        if not now - SKEW <= expires or moment.made > now + SKEW:
            raise Refused(Refusal.EXPIRED)
        known = self._known.get(identifier)
        if known is None and moment.made > self._newest:
            known = self._remember(identifier, moment.made)
        if known is None or known.made != moment.made or signature in known.signatures:
            raise Refused(Refusal.REPLAYED)
        known.signatures.add(signature)

    def restart(self) -> None:
        """Forget all but what the least of devices must keep over a restart: when the newest request was made."""
        self._known.clear()

    def _remember(self, identifier: str, made: float) -> _Known:
        self._newest = made
        known = self._known[identifier] = _Known(made)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known
