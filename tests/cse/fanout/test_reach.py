"""Asking the networks: what one of them does wrong costs only its own offers."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cse.fanout.reach import gather, gather_one
from cse.network import Host, Network, Offer, Reach, Reason, Unreachable, Way
from cse.primitive import Operation, Request

REQUEST = Request(Operation.NOTIFY, "Cm0", "Cheadend", "r")
HOSTS = [Host("C0", ()), Host("C1", ())]


class Answering(Network):
    """Offers whatever the function says."""

    def __init__(self, name: str, answer: Callable[[Sequence[Host]], Any]) -> None:
        self.name = name
        self._answer = answer

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        found: list[Reach] = self._answer(hosts)
        return found

    async def deliver(self, delivery: object) -> None:
        raise NotImplementedError


def way(network: str, host: Host) -> Way:
    return Way(Offer(f"{network}-unicast", network, False, 0, 1, 0, 1, 100), host.id)


GOOD = Answering("good", lambda hosts: [[way("good", host)] for host in hosts])
OTHER = Answering("other", lambda hosts: [[Unreachable("other", Reason.NO_POA)] for _ in hosts])


async def test_each_host_gets_the_offers_of_all_networks_in_order() -> None:
    expected = [(way("good", host), Unreachable("other", Reason.NO_POA)) for host in HOSTS]
    assert await gather([GOOD, OTHER], HOSTS, REQUEST, "g") == expected


async def test_without_networks_there_are_no_offers() -> None:
    assert await gather([], HOSTS, REQUEST, "g") == [(), ()]


@pytest.mark.parametrize(
    "answer",
    [
        lambda hosts: [],
        lambda hosts: [[], [], []],
        lambda hosts: None,
        lambda hosts: [None, None],
        lambda hosts: [["a way"], []],
        lambda hosts: [[way("another", hosts[0])], []],
        lambda hosts: 1 / 0,
    ],
)
async def test_a_network_that_breaks_the_contract_is_offline(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    reaches = await gather([Answering("broken", answer), GOOD], HOSTS, REQUEST, "g")
    for reach, host in zip(reaches, HOSTS, strict=True):
        offline, good = reach
        assert isinstance(offline, Unreachable)
        assert (offline.offer, offline.reason) == ("broken", Reason.OFFLINE)
        assert good == way("good", host)
    assert "network broken" in caplog.text


@pytest.mark.parametrize(
    ("schemes", "host", "is_asked"),
    [
        (None, Host("C0", ("pigeon://loft",)), True),
        (["pigeon"], Host("C0", ("dove://loft", "PIGEON://loft")), True),
        (["dove"], Host("C0", ("pigeon://loft",)), False),
        (["dove"], Host("C0", ()), False),
        ([], Host("/id-mn/meter", ("pigeon://loft",), cse="/id-mn"), True),
    ],
)
async def test_a_single_host_is_offered_what_networks_offer_that_understand_its_address(
    schemes: list[str] | None, host: Host, is_asked: bool
) -> None:
    network = Answering("some", lambda hosts: [[way("some", host)] for host in hosts])
    network.schemes = None if schemes is None else frozenset(schemes)
    expected = [way("good", host), *([way("some", host)] if is_asked else [])]
    assert await gather_one([GOOD, network], host, REQUEST) == expected
