"""Choosing networks for very many members, as the server does it: beside an event loop that is watched."""

import asyncio
import gc
import random
import time
from collections.abc import Sequence
from typing import NamedTuple

import uvloop

from cse.matching import choose
from cse.network import Offer, Reach, Reason, Unreachable, Way
from cse.slices import aside
from cse.stalls import Stalls

SEED = 6
DAY = 86_400_000  # milliseconds
CALM = 0.1  # seconds before the choice, so that what made the members is over
OFFERS = (
    Offer("udp:g1", "udp-multicast", True, 100, 150, 20_000, 1000, 1200, 100, preference=1),
    Offer("udp:g2", "udp-multicast", True, 100, 150, 20_000, 1000, 1200, 100, preference=1),
    Offer("lora:m1", "lora-broadcast", True, 5000, 0, 100_000, 4000, 51, 40, 0, 2793, 36_000, "gw1", 2),
    Offer("lora:m2", "lora-broadcast", True, 5000, 0, 100_000, 4000, 51, 40, 0, 2793, 36_000, "gw2", 2),
    Offer("mbms:t1", "mbms", True, 900, 120, 50_000, 3000, 1200, 100, preference=3),
    Offer("udp", "udp-multicast", False, 0, 900, 0, 200, 1200, 100, preference=4),
    Offer("lora", "lora-broadcast", False, 0, 3000, 50_000, 2000, 51, 40, preference=5),
    Offer("http-unicast", "http-unicast", False, 0, 1000, 0, 200, 1_000_000, 100, 500, preference=6),
)
KINDS = 40
NETWORKS = dict.fromkeys(offer.network for offer in OFFERS)
NOWHERE = {name: Unreachable(name, Reason.NO_POA, "no point of access is of this network") for name in NETWORKS}


class Planned(NamedTuple):
    """Seconds until the plan was there, and for which the loop stood still at most meanwhile; members with a way."""

    seconds: float
    stall: float
    served: int


def plan(members: int) -> Planned:
    """For so many members, each with some of eight offers."""
    reaches = _reaches(members)
    gc.collect()
    gc.freeze()  # the server keeps the collector from looking at so much, see cse.garbage
    return uvloop.run(_plan(reaches))


async def _plan(reaches: list[Reach]) -> Planned:
    stalls = Stalls()
    watching = asyncio.create_task(stalls.watch())
    await asyncio.sleep(CALM)
    stalls.take()
    begin = time.perf_counter()
    chosen = await aside(len(reaches), choose, reaches, available_ms=DAY)
    seconds = time.perf_counter() - begin
    await asyncio.sleep(CALM)
    watching.cancel()
    return Planned(seconds, stalls.take(), sum(choice is not None for choice in chosen.choices))


def _reaches(members: int) -> list[Reach]:
    """Of devices of several kinds, at random: for each network its offers, or why there is none."""
    at_random = random.Random(SEED)
    kinds = [at_random.sample(OFFERS, at_random.randint(1, len(OFFERS))) for _ in range(KINDS)]
    return [_reach(number, at_random.choice(kinds)) for number in range(members)]


def _reach(number: int, kind: Sequence[Offer]) -> Reach:
    """Each unicast has an address for each member, as devices have; a broadcast has one for all."""
    entries: list[Way | Unreachable] = []
    for network, nowhere in NOWHERE.items():
        ways = [Way(offer, _address(offer, number)) for offer in kind if offer.network == network]
        entries += ways or [nowhere]
    return tuple(entries)


def _address(offer: Offer, number: int) -> str:
    return offer.id if offer.broadcast else f"{offer.id}://device-{number}"
