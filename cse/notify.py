"""Sends notifications from the outbox, and asks targets whether they accept to be notified."""

import logging
from typing import Any

from cse.core import Core
from cse.errors import SubscriptionVerificationFailed, TargetNotReachable
from cse.exchange import Exchange
from cse.resource import Outgoing
from cse.store import Effect

log = logging.getLogger(__name__)

ATTEMPTS = 2
PAUSE = 1.0  # seconds: clients subscribe before their own server listens


class Notifier:
    """A notification is tried twice; what nobody takes then is dropped, with a line in the log."""

    def __init__(self, core: Core, exchange: Exchange) -> None:
        self._core = core
        self._exchange = exchange

    async def send(self, effect: Effect) -> None:
        """The handler of the outbox."""
        outgoing = Outgoing(**effect.document)
        try:
            await self._persistently(outgoing)
        except TargetNotReachable as error:
            log.warning("notification dropped: %s", error)

    async def verify(self, outgoing: Outgoing) -> None:
        """SubscriptionVerificationFailed unless the target answers with success (TS-0004 clause 7.4.8.2.1)."""
        try:
            response = await self._persistently(outgoing)
        except TargetNotReachable as error:
            raise SubscriptionVerificationFailed(f"nu: the verification request was not answered: {error}") from error
        if not response.succeeded:
            raise SubscriptionVerificationFailed(
                f"nu: {outgoing.target} answered the verification request with {response.status_code}"
            )

    async def _persistently(self, outgoing: Outgoing) -> Any:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._exchange.notify(outgoing)
            except TargetNotReachable:
                if attempt == ATTEMPTS:
                    raise
                await self._core.clock.sleep(PAUSE)
        return None
