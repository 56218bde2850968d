"""Keeps the CSE listening to the multicast addresses that resources in the tree say, no more and no fewer."""

import logging

from cse.consent import Listening
from cse.core import Core
from cse.errors import CSEError, JoinMulticastGroupFailed
from cse.network import Membership, Network
from cse.store import Effect, Search
from cse.work import Work

log = logging.getLogger(__name__)

PAUSE = 10.0  # seconds before what has failed is tried again; the interface may come up later than the server


class Memberships:
    """A membership is joined by the first network that can, and lasts as long as its resource."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def change(self, need: Listening) -> None:
        """Join or leave now; raises CSEError if that is impossible."""
        if need.joins:
            await self._join(need.membership)
        else:
            await self._leave(need.membership.identifier)

    async def settle(self, identifier: str) -> None:
        """Listen, or listen no longer, as the resource with this identifier wants it by now."""
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
            await self.settle(identifier)

    async def _later(self, identifier: str) -> None:
        await self._core.clock.sleep(PAUSE)
        await self.settle(identifier)

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
