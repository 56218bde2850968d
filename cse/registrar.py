"""The registration of this CSE with its registrar (TS-0001 clause 10.2.2.6): made, kept, and made again."""

import asyncio
import logging
from logging import ERROR, WARNING
from typing import Any

from cse.attributes import NP
from cse.core import Core
from cse.errors import BadRequest, CSEError, TargetNotReachable
from cse.exchange import Exchange
from cse.forwarding import neighbours, registrar
from cse.network import Host
from cse.primitive import Operation, Request, Response
from cse.resource import Neighbour
from cse.store import Effect
from cse.timing import timestamp
from cse.work import Work

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0  # seconds; doubled with every further failure, up to the interval of renewals
BASE = "-"
RELEASE = "3"
TAKEN = (4105, 4117)


class Registrar:
    """Renews the registration in intervals, and at once when there is more to say.

    What this CSE knows of its registrar is in the tree, and stays there while that is down. When the server stops,
    nothing is undone: the registration lives on until it expires, so that a restart is no loss.
    """

    def __init__(self, core: Core, exchange: Exchange) -> None:
        self._core = core
        self._exchange = exchange
        self._url = core.settings.registrar
        self._changed = asyncio.Event()
        self._is_registered = False
        self._failures = 0
        self._acknowledged: dict[str, Any] = {}

    async def changed(self, effect: Effect) -> None:
        """The handler of the outbox: other CSEs have registered here, or have gone."""
        self._changed.set()

    async def run(self) -> None:
        """For ever; without a registrar, what is left of an earlier one goes."""
        kind = self._core.model.neighbour
        if kind is None or not self._url:
            await self._core.run(lambda work: _part(work, self._url))
            return
        while True:
            self._changed.clear()
            pause = await self._attempt(kind)
            await self._core.clock.within(pause, self._changed.wait())

    async def _attempt(self, kind: Neighbour) -> float:
        """Seconds until the next one."""
        interval = self._core.settings.registration_interval
        pause = min(interval, FIRST_PAUSE * 2.0 ** min(self._failures, 30))
        try:
            await self._register(kind)
        except Exception as error:
            foreseen = isinstance(error, CSEError)
            text = "not registered with %s, next attempt in %g seconds: %s"
            log.log(WARNING if foreseen else ERROR, text, self._url, pause, error, exc_info=not foreseen)
            self._is_registered, self._failures = False, self._failures + 1
            return pause
        if not self._is_registered:
            log.info("registered with %s", self._url)
        self._is_registered, self._failures = True, 0
        return interval

    async def _register(self, kind: Neighbour) -> None:
        multicast = self._core.multicast
        attributes, known = await self._core.read(lambda work: (kind.introduction(work, *multicast), registrar(work)))
        attributes["et"] = timestamp(self._core.clock.now() + self._core.settings.registration_lifetime)
        if not ((known or self._acknowledged) and await self._update(kind, attributes)):
            await self._create(kind, attributes)
        self._acknowledged = attributes
        base = _attributes(await self._ask(Operation.RETRIEVE, BASE))
        await self._core.run(lambda work: _meet(work, kind, base))

    async def _create(self, kind: Neighbour, attributes: dict[str, Any]) -> None:
        self._acknowledged = {}
        response = await self._ask(Operation.CREATE, BASE, {kind.root: attributes}, kind.number)
        if response.status_code in TAKEN and await self._update(kind, attributes):
            return
        _require_success(response)

    async def _update(self, kind: Neighbour, attributes: dict[str, Any]) -> bool:
        """Tell the registrar what it has not acknowledged yet; false if it does not know this CSE any more."""
        changes = {
            name: value
            for name, value in attributes.items()
            if name == "et" or (kind.attributes[name].update is not NP and self._acknowledged.get(name) != value)
        }
        response = await self._ask(Operation.UPDATE, f"{BASE}/{attributes['rn']}", {kind.root: changes})
        if response.status_code == 4004:
            return False
        _require_success(response)
        return True

    async def _ask(
        self, operation: Operation, to: str, content: dict[str, Any] | None = None, resource_type: int | None = None
    ) -> Response:
        request = Request(
            operation, to, self._core.model.naming.cse_id, "", resource_type, content, release_version=RELEASE
        )
        return await self._exchange.send(Host(self._url, (self._url,)), request)


def _require_success(response: Response) -> None:
    if not response.succeeded:
        raise TargetNotReachable(f"it answered with {response.status_code}: {str(response.content)[:200]}")


def _attributes(response: Response) -> dict[str, Any]:
    """Those of the resource in a response; CSEError if there is none."""
    _require_success(response)
    content = response.content
    attributes = next(iter(content.values()), None) if isinstance(content, dict) else None
    if not isinstance(attributes, dict):
        raise BadRequest(f"it answered with {str(content)[:200]}, which is no CSEBase")
    return attributes


def _meet(work: Work, kind: Neighbour, base: dict[str, Any]) -> None:
    kind.meet(work, base)
    _part(work, str(base["csi"]))


def _part(work: Work, cse_id: str) -> None:
    """From any registrar but this one."""
    kind = work.model.neighbour
    for other in list(neighbours(work)):
        if kind is not None and kind.is_registrar(other) and other.creator != cse_id:
            kind.part(work, other)
