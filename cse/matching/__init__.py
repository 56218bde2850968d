"""Choosing the network: which offer carries the request to which hosts, for the least total cost.

Hosts that can be reached in the same ways form a signature, and all hosts of a signature go the same way: the cheapest
unicast or opened broadcast that they have. What has to be found is the set of broadcasts to open. Each pays its fixed
cost once per address, at least two members must use it (one, if that member has no unicast), its answers must be in
before the deadline, and the airtimes on one budget must fit. In each set of signatures tied together by broadcasts or
budgets, the best set of broadcasts is found by trying all of them when there are few, else by local search.

Pure and deterministic: no clock, no input or output, and the order of the hosts changes nothing.
"""

from collections.abc import Sequence

from cse.matching.explanation import explain
from cse.matching.plan import Exclusion, Explanation, Plan, Price, Transmission
from cse.matching.pricing import price
from cse.matching.search import match
from cse.matching.signatures import group
from cse.network import Reach

__all__ = ["Exclusion", "Explanation", "Plan", "Price", "Transmission", "choose"]


def choose(reaches: Sequence[Reach], *, available_ms: int) -> Plan:
    """Choose a way for each host from what the networks offer for it; `available_ms` is the time to the deadline.

    The identifier of an offer is unique across networks and stands for the same offer at every host. Of several
    addresses at which a host has the same unicast offer, the first counts.
    """
    signatures = [price(signature, available_ms) for signature in group(reaches)]
    return explain(reaches, signatures, match(signatures, available_ms), available_ms)
