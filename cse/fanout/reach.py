"""What the networks offer for hosts. A network that raises offers nothing, and harms nobody else."""

import logging
from collections.abc import Iterable, Sequence
from itertools import chain

from cse.fanout.slices import aside, give_way
from cse.network import Host, Network, Reach, Reason, Unreachable
from cse.primitive import Request

log = logging.getLogger(__name__)


def gather(networks: Iterable[Network], hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
    """For each host, in order, what all networks together offer."""
    return _together(len(hosts), [_ask(network, hosts, request, group) for network in networks])


async def gather_many(networks: Iterable[Network], hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
    """The same for so many hosts that other tasks must have their turn between one network and the next."""
    answers = []
    for network in networks:
        await give_way()
        answers.append(_ask(network, hosts, request, group))
    return await aside(len(hosts), _together, len(hosts), answers)


def _together(hosts: int, answers: Sequence[Sequence[Reach]]) -> list[Reach]:
    nothing: list[Reach] = [()] * hosts
    return [tuple(chain.from_iterable(reaches)) for reaches in zip(nothing, *answers, strict=True)]


def _ask(network: Network, hosts: Sequence[Host], request: Request, group: str) -> Sequence[Reach]:
    try:
        offers = network.offers(hosts, request, group)
        if len(offers) == len(hosts):
            return _checked(network, offers)
        log.error("network %s made %d offers for %d hosts", network.name, len(offers), len(hosts))
    except Exception:
        log.exception("network %s failed to make offers", network.name)
    nothing = (Unreachable(network.name, Reason.OFFLINE, "the plugin failed; see the server's log"),)
    return [nothing] * len(hosts)


def _checked(network: Network, offers: Sequence[Reach]) -> Sequence[Reach]:
    """What a network that keeps its contract offers; anything else must be found here, where it harms nobody else."""
    for reach in offers:
        for entry in reach:
            if not isinstance(entry, Unreachable) and entry.offer.network != network.name:
                raise ValueError(f"an offer in the name of {entry.offer.network}")
    return offers
