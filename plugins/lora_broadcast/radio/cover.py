"""Which gateways must transmit so that every device hears one of them."""

import itertools
from collections.abc import Iterable

# Up to here all combinations are tried, smallest first; beyond, the gateway that adds most is taken again and again.
MOST_FOR_EXACT = 12


def cover(neighbourhoods: Iterable[Iterable[int]]) -> tuple[int, ...]:
    """The fewest gateways that touch every neighbourhood, which is the gateways that hear one device.

    Empty neighbourhoods are ignored.
    """
    distinct = {frozenset(gateways) for gateways in neighbourhoods} - {frozenset()}
    candidates = sorted(frozenset().union(*distinct))
    if len(candidates) > MOST_FOR_EXACT:
        return _greedy(distinct, candidates)
    sizes = range(len(candidates) + 1)
    combinations = itertools.chain.from_iterable(itertools.combinations(candidates, size) for size in sizes)
    return next(chosen for chosen in combinations if all(not gateways.isdisjoint(chosen) for gateways in distinct))


def _greedy(distinct: set[frozenset[int]], candidates: list[int]) -> tuple[int, ...]:
    chosen: list[int] = []
    open_ones = distinct
    while open_ones:
        best = max(candidates, key=lambda candidate: sum(candidate in gateways for gateways in open_ones))
        chosen.append(best)
        open_ones = {gateways for gateways in open_ones if best not in gateways}
    return tuple(sorted(chosen))
