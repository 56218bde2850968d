"""The operator's group message service: sent is what the SCEF says that it has triggered."""

import asyncio
import ipaddress
import ssl
from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from cse.config import ConfigurationError
from cse.multicast.records import Record
from cse.network import DeliveryFailed, Engine
from plugins.mbms.callbacks import Callbacks
from plugins.mbms.scef import Scef, ScefError
from plugins.mbms.settings import MbmsSettings


class Outcome(StrEnum):
    """What became of a group message."""

    TRIGGERED = "triggered"
    NOT_TRIGGERED = "not triggered"
    UNKNOWN = "nothing said in time"
    REFUSED = "refused"


class Service:
    """`scef` is the operator's API, `outcomes` count how group messages have gone."""

    def __init__(self, settings: MbmsSettings, engine: Engine, tls: ssl.SSLContext) -> None:
        self._settings = settings
        self._engine = engine
        self._callbacks = Callbacks(settings.callback_url)
        self.scef = Scef(settings, engine.clock, engine.allows, tls)
        self.outcomes: Counter[Outcome] = Counter()

    async def start(self) -> None:
        """Listen for what the SCEF says; ConfigurationError where that is impossible."""
        host, port = self._settings.callback_host, self._settings.callback_port
        try:
            await self._callbacks.start(host, port)
        except OSError as error:
            await self.stop()
            sentence = f"cannot listen at callback_host and callback_port of [mbms], {host} and {port}: {error}"
            raise ConfigurationError(sentence) from error

    async def stop(self) -> None:
        await self._callbacks.stop()
        await self.scef.close()

    def may_be_allowed(self, name: str) -> bool:
        """Where a name leads is seen when it is connected to; an address can be refused at once."""
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return True
        return self._engine.allows(name)

    async def send(self, record: Record, payload: bytes, accepted: Callable[[], None]) -> None:
        """Return when the message is on its way; `accepted` is called when the SCEF has taken it. DeliveryFailed."""
        with self._callbacks.expected() as (url, triggered):
            try:
                await self.scef.deliver(record.external_group, record.tmgi, payload, url)
            except ScefError as error:
                self.outcomes[Outcome.REFUSED] += 1
                raise DeliveryFailed(str(error)) from error
            accepted()
            in_time = await self._engine.clock.within(self._settings.trigger_timeout, triggered)
            outcome = _outcome(triggered) if in_time else Outcome.UNKNOWN
        self.outcomes[outcome] += 1
        if outcome is not Outcome.TRIGGERED:
            raise DeliveryFailed(f"the group message for {record.external_group}: {outcome}")


def _outcome(triggered: "asyncio.Future[bool]") -> Outcome:
    return Outcome.TRIGGERED if triggered.result() else Outcome.NOT_TRIGGERED
