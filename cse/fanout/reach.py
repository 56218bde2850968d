"""What the networks offer for hosts. A network that raises offers nothing, and harms nobody else."""

import logging
from collections.abc import Iterable, Sequence
from itertools import chain

from cse.network import NO_SET_UP, Host, Network, Reach, Reason, SetUp, Unreachable
from cse.primitive import Request
from cse.slices import in_slices, let_go

log = logging.getLogger(__name__)


async def gather(networks: Iterable[Network], hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
    """For each host, in order, what all networks together offer."""
    answers = [list(await _ask(network, hosts, request, group)) for network in networks]
    nothing: list[Reach] = [()] * len(hosts)
    together = zip(nothing, *answers, strict=True)
    found: list[Reach] = [tuple(chain.from_iterable(reaches)) async for reaches in in_slices(together)]
    await let_go(*answers)
    return found


async def gather_one(networks: Iterable[Network], host: Host, request: Request) -> Reach:
    """What all networks together offer for a single host, to which the request goes alone."""
    answers = [await _ask(network, [host], request, "") for network in _concerned(networks, host)]
    return [entry for (reach,) in answers for entry in reach]


def _concerned(networks: Iterable[Network], host: Host) -> Iterable[Network]:
    """Without those to which the addresses of an AE mean nothing."""
    if host.cse:
        return networks
    schemes = {address.partition("://")[0].lower() for address in host.points_of_access}
    return [network for network in networks if network.schemes is None or not schemes.isdisjoint(network.schemes)]


async def _ask(network: Network, hosts: Sequence[Host], request: Request, group: str) -> Sequence[Reach]:
    try:
        offers = await network.offers(hosts, request, group)
        if len(offers) == len(hosts):
            return await _checked(network, offers)
        log.error("network %s made %d offers for %d hosts", network.name, len(offers), len(hosts))
    except Exception:
        log.exception("network %s failed to make offers", network.name)
    nothing = (Unreachable(network.name, Reason.OFFLINE, "the plugin failed; see the server's log"),)
    return [nothing] * len(hosts)


async def _checked(network: Network, offers: Sequence[Reach]) -> Sequence[Reach]:
    """What a network that keeps its contract offers; anything else must be found here, where it harms nobody else."""
    async for reach in in_slices(offers):
        for entry in reach:
            if not isinstance(entry, Unreachable) and entry.offer.network != network.name:
                raise ValueError(f"an offer in the name of {entry.offer.network}")
    return offers


def setup_traffic(networks: Iterable[Network], group: str) -> dict[str, dict[str, float]]:
    """What the preparation of broadcasts to a group has cost, by network, where it has cost anything."""
    found = {network.name: _set_up(network, group) for network in networks}
    return {
        name: {"transmissions": cost.transmissions, "airtimeMs": cost.airtime_ms}
        for name, cost in found.items()
        if cost.transmissions
    }


def _set_up(network: Network, group: str) -> SetUp:
    try:
        return network.set_up(group)
    except Exception:
        log.exception("network %s failed to say what session set-up has cost", network.name)
        return NO_SET_UP
