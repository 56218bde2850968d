"""The contract tests find the mistakes that networks make."""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from cse.network import Delivery, DeliveryFailed, Host, Network, Offer, Reach, Reason, Unreachable, Way
from cse.primitive import OK, Operation, Request, Response
from cse.testing.contract import NetworkContract
from cse.testing.engine import RecordingEngine

OFFER = Offer("good", "good", False, 0, 1, 0, 1, 1_000_000, payload=1)


class Good(Network):
    """Reaches good://<AE-ID>, except good://dead."""

    name = "good"

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        offer = replace(OFFER, payload=len(str(request.content)))
        return [[self.reach(host, offer)] for host in hosts]

    def reach(self, host: Host, offer: Offer) -> Way | Unreachable:
        for address in host.points_of_access:
            if address.startswith("good://"):
                return Way(offer, address)
        return Unreachable(self.name, Reason.NO_POA)

    async def deliver(self, delivery: Delivery) -> None:
        if delivery.address.endswith("dead"):
            raise DeliveryFailed("dead")
        delivery.transmitted(1, 0.0)
        for host in delivery.hosts:
            self.answer(delivery.request.request_identifier, host)

    def answer(self, request_identifier: str, host: Host) -> None:
        self.engine.answer(request_identifier, host.id, Response(OK), self.name)

    async def start(self, engine: RecordingEngine) -> None:  # type: ignore[override]
        self.engine = engine


class LeavesHostsOut(Good):
    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        return [reach for reach in await super().offers(hosts, request, group) if isinstance(reach[0], Way)]


class Backwards(Good):
    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        return await super().offers([*hosts[1:], *hosts[:1]], request, group)


class SaysNothing(Good):
    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        return [[one for one in reach if isinstance(one, Way)] for reach in await super().offers(hosts, request, group)]


class OwnReasons(Good):
    def reach(self, host: Host, offer: Offer) -> Way | Unreachable:
        return Unreachable(self.name, "CLOUDY")  # type: ignore[arg-type]


class FractionalCosts(Good):
    def reach(self, host: Host, offer: Offer) -> Way | Unreachable:
        return Way(replace(offer, per_member=0.5), "good://x")  # type: ignore[arg-type]


class ForgetsItsName(Good):
    def reach(self, host: Host, offer: Offer) -> Way | Unreachable:
        return Way(replace(offer, network="other"), "good://x")


class BudgetWithoutKey(Good):
    def reach(self, host: Host, offer: Offer) -> Way | Unreachable:
        return Way(replace(offer, budget_ms=1), "good://x")


class NeverTheSame(Good):
    asked = 0

    def reach(self, host: Host, offer: Offer) -> Way | Unreachable:
        self.asked += 1
        return Way(replace(offer, fixed=self.asked), "good://x")


class ChangesTheRequest(Good):
    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        request.content["signature"] = "x"
        return await super().offers(hosts, request, group)


class ConstantPayload(Good):
    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        return [[self.reach(host, OFFER)] for host in hosts]


class ParsesCarelessly(Good):
    def reach(self, host: Host, offer: Offer) -> Way | Unreachable:
        return Way(offer, host.points_of_access[0].split("://")[1])


class SendsCarelessly(Good):
    async def deliver(self, delivery: Delivery) -> None:
        assert "99999" not in delivery.address, "port must be 0-65535"


class NeverAnswers(Good):
    def answer(self, request_identifier: str, host: Host) -> None:
        pass


class AnswersForAnother(Good):
    def answer(self, request_identifier: str, host: Host) -> None:
        super().answer(request_identifier, Host("Csomebody", ()))


class OwnIdentifiers(Good):
    def answer(self, request_identifier: str, host: Host) -> None:
        super().answer("token-7", host)


class AlwaysTheFirstIdentifier(Good):
    first = ""

    def answer(self, request_identifier: str, host: Host) -> None:
        self.first = self.first or request_identifier
        super().answer(self.first, host)


class DoesNotCount(Good):
    async def deliver(self, delivery: Delivery) -> None:
        self.answer(delivery.request.request_identifier, delivery.hosts[0])


class SentIsReceived(Good):
    async def deliver(self, delivery: Delivery) -> None:
        self.answer(delivery.request.request_identifier, delivery.hosts[0])
        delivery.transmitted(1, 0.0)


class BreaksForEver(Good):
    broken = False

    async def deliver(self, delivery: Delivery) -> None:
        self.broken = self.broken or delivery.address.endswith("dead")
        if not self.broken:
            await super().deliver(delivery)


class LeavesTasksBehind(Good):
    async def start(self, engine: RecordingEngine) -> None:  # type: ignore[override]
        self.task = asyncio.create_task(asyncio.Event().wait())


async def check(network: Network, test: Callable[..., Any]) -> None:
    """Run one contract test as pytest would."""
    contract, engine = NetworkContract(), RecordingEngine()
    contract.patience = 0.05
    await network.start(engine)
    available = {
        "network": network,
        "started": network,
        "engine": engine,
        "reachable_host": Host("Cmeter1", ("good://meter1",)),
        "dead_host": Host("Cmeter2", ("good://dead",)),
        "unreachable_host": Host("Celsewhere", ("elsewhere://nowhere",)),
        "request_": Request(Operation.NOTIFY, "", "Cheadend", "contract-1", content={"m2m:sgn": {}}),
    }
    names = list(inspect.signature(test).parameters)[1:]
    await test(contract, **{name: available[name] for name in names})


TESTS = [test for name, test in vars(NetworkContract).items() if name.startswith("test_")]


@pytest.mark.parametrize("test", TESTS)
async def test_a_good_network_passes(test: Callable[..., Any]) -> None:
    await check(Good(), test)


@pytest.mark.parametrize(
    ("kind", "test"),
    [
        (LeavesHostsOut, NetworkContract.test_there_is_one_reach_per_host_in_order),
        (Backwards, NetworkContract.test_there_is_one_reach_per_host_in_order),
        (SaysNothing, NetworkContract.test_there_is_one_reach_per_host_in_order),
        (OwnReasons, NetworkContract.test_unreachable_hosts_get_a_reason),
        (FractionalCosts, NetworkContract.test_offers_are_sound),
        (ForgetsItsName, NetworkContract.test_offers_are_sound),
        (BudgetWithoutKey, NetworkContract.test_offers_are_sound),
        (NeverTheSame, NetworkContract.test_offers_change_nothing),
        (ChangesTheRequest, NetworkContract.test_offers_change_nothing),
        (NeverTheSame, NetworkContract.test_hosts_with_one_offer_share_it),
        (ConstantPayload, NetworkContract.test_the_payload_of_the_request_counts),
        (ParsesCarelessly, NetworkContract.test_malformed_points_of_access_are_survived),
        (SendsCarelessly, NetworkContract.test_malformed_points_of_access_are_survived),
        (NeverAnswers, NetworkContract.test_a_request_is_answered),
        (AnswersForAnother, NetworkContract.test_a_request_is_answered),
        (OwnIdentifiers, NetworkContract.test_a_request_is_answered),
        (DoesNotCount, NetworkContract.test_transmissions_are_counted),
        (AlwaysTheFirstIdentifier, NetworkContract.test_requests_are_kept_apart),
        (SentIsReceived, NetworkContract.test_nobody_answers_for_a_dead_host),
        (BreaksForEver, NetworkContract.test_a_dead_host_harms_nobody_else),
    ],
)
async def test_a_bad_network_fails(kind: type[Network], test: Callable[..., Any]) -> None:
    with pytest.raises((AssertionError, IndexError, TimeoutError)):
        await check(kind(), test)


async def test_tasks_that_are_left_behind_are_found() -> None:
    network = LeavesTasksBehind()
    with pytest.raises(AssertionError, match="stop must end the tasks"):
        await check(network, NetworkContract.test_it_starts_again_after_a_stop)
