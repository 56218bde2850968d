"""Keeps the CSE listening to the multicast addresses that resources in the tree say, no more and no fewer."""

import dataclasses
import logging

from cse.cluster.switchboard import Document, Switchboard
from cse.consent import Listening
from cse.core import Core
from cse.errors import CSEError, JoinMulticastGroupFailed
from cse.network import Membership, Network
from cse.store import Effect, Search
from cse.work import Work

log = logging.getLogger(__name__)

CHANGE, SETTLE = "membership", "membership-settled"
PAUSE = 10.0  # seconds before what has failed is tried again; the interface may come up later than the server


class Memberships:
    """A membership is joined by the first network that can, and lasts as long as its resource."""

    def __init__(self, core: Core, switchboard: Switchboard) -> None:
        self._core = core
        self._switchboard = switchboard
        switchboard.answers(CHANGE, self._changed_elsewhere)
        switchboard.answers(SETTLE, self._settled_elsewhere)

    async def change(self, need: Listening) -> None:
        """Join or leave now; raises CSEError if that is impossible."""
        if not await self._switchboard.is_here():
            await self._ask(CHANGE, dataclasses.asdict(need))
        elif need.joins:
            await self._join(need.membership)
        else:
            await self._leave(need.membership.identifier)

    async def settle(self, identifier: str) -> None:
        """Listen, or listen no longer, as the resource with this identifier wants it by now."""
        if not await self._switchboard.is_here():
            await self._ask(SETTLE, {"identifier": identifier})
            return
        await self._settle(identifier)

    async def _settle(self, identifier: str) -> None:
        membership = await self._core.read(lambda work: _membership(work, identifier))
        try:
            if membership is None:
                await self._leave(identifier)
            else:
                await self._join(membership)
        except CSEError as error:
            log.warning("%s; next attempt in %g s", error, PAUSE)
            self._core.start(self._later(identifier), f"membership of {identifier}")

    async def changed(self, effect: Effect) -> None:
        """The handler of the outbox."""
        await self.settle(effect.document["group"])

    async def join_all(self) -> None:
        """After a start: networks have forgotten everything."""
        for identifier in await self._core.read(_listening):
            await self._settle(identifier)

    async def _ask(self, kind: str, document: Document) -> None:
        await self._switchboard.ask(kind, document, self._core.settings.exchange_timeout)

    async def _changed_elsewhere(self, document: Document) -> Document:
        values = document["membership"]
        membership = Membership(**values | {"members": tuple(values["members"])})
        await self.change(Listening(document["key"], membership, document["joins"]))
        return {}

    async def _settled_elsewhere(self, document: Document) -> Document:
        await self.settle(document["identifier"])
        return {}

    async def _later(self, identifier: str) -> None:
        await self._core.clock.sleep(PAUSE)
        await self._settle(identifier)

    async def _join(self, membership: Membership) -> None:
        refusals = []
        able = [network for network in self._core.networks.values() if type(network).join is not Network.join]
        for network in able:
            try:
                await network.join(membership)
            except JoinMulticastGroupFailed as error:
                refusals.append(str(error))
            else:
                return
        reasons = "; ".join(refusals) or "no network of this CSE can listen to multicast"
        raise JoinMulticastGroupFailed(f"cannot listen to {membership.address}: {reasons}")

    async def _leave(self, identifier: str) -> None:
        for network in self._core.networks.values():
            await network.leave(identifier)


def _membership(work: Work, identifier: str) -> Membership | None:
    resource = work.transaction.resources.get(identifier)
    return None if resource is None else work.type_of(resource).membership(resource)


def _listening(work: Work) -> list[str]:
    search = Search(work.model.naming.cse_name, work.model.listeners)
    return [resource.ri for resource in work.transaction.resources.search(search)]
