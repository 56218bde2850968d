"""The tests that every network passes. Inherit them, say what your network is, and run pytest with pytest-asyncio.

    class TestPigeons(NetworkContract):
        @pytest.fixture
        def network(self) -> Pigeons:
            return Pigeons()

        @pytest.fixture
        def reachable_host(self) -> Host:
            return Host("Cloft1", ("pigeon://loft1",))

        @pytest.fixture
        def dead_host(self) -> Host:
            return Host("Cloft2", ("pigeon://burnt-down",))

The other fixtures may be overridden too, and may be asynchronous: start there what stands for the devices. The tests
need `asyncio_mode = "auto"` in the pytest configuration.
"""

import asyncio
import copy
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import orjson
import pytest

from cse.network import Delivery, DeliveryFailed, Host, Network, Offer, Reach, Reason, Unreachable, Way
from cse.primitive import Operation, Request
from cse.testing.clock import settle
from cse.testing.engine import RecordingEngine
from cse.timing import precise_timestamp

MANY = 10_000
LARGE = 200_000
GROUP = "group1"


class Sent(NamedTuple):
    """What a delivery came to: transmissions and airtime as counted by the network, and its failure if any."""

    transmissions: int
    airtime_ms: float
    failure: DeliveryFailed | None


class NetworkContract:
    """See the module. `patience` is how many real seconds an answer of a reachable host may take."""

    patience = 10.0

    @pytest.fixture
    def network(self) -> Network:
        """Your network, not started."""
        raise NotImplementedError("override the fixture `network`: it returns your network, not started")

    @pytest.fixture
    def reachable_host(self) -> Host:
        """A host whose device answers `request_`."""
        raise NotImplementedError("override the fixture `reachable_host`: a host whose device answers")

    @pytest.fixture
    def dead_host(self) -> Host:
        """A host with a point of access of your network behind which nobody answers."""
        raise NotImplementedError("override the fixture `dead_host`: a host at which nobody answers")

    @pytest.fixture
    def unreachable_host(self) -> Host:
        """A host without a point of access of your network."""
        return Host("Celsewhere", ("elsewhere://nowhere",))

    @pytest.fixture
    def engine(self) -> RecordingEngine:
        """The server that your network sees."""
        return RecordingEngine()

    @pytest.fixture
    def request_(self, engine: RecordingEngine) -> Request:
        """A device request as a group fans it out; its instruction is that of the simulated meters."""
        instruction = {"m2m:cin": {"con": orjson.dumps({"interval": 900}).decode()}}
        return Request(
            Operation.NOTIFY,
            "cse-in/city/fopt",
            "Cheadend",
            "contract-1",
            content={"m2m:sgn": {"sur": "cse-in/city", "nev": {"rep": instruction}}},
            release_version="3",
            originating_timestamp=precise_timestamp(engine.clock.now()),
        )

    @pytest.fixture
    async def started(
        self, network: Network, engine: RecordingEngine, reachable_host: Host, dead_host: Host
    ) -> AsyncIterator[Network]:
        """The network, started and prepared for a group of both hosts. Override it when joining takes longer."""
        await network.start(engine)
        await network.prepare(GROUP, [reachable_host, dead_host])
        yield network
        await network.stop()

    async def test_there_is_one_reach_per_host_in_order(
        self, started: Network, reachable_host: Host, unreachable_host: Host, request_: Request
    ) -> None:
        reaches = await started.offers([unreachable_host, reachable_host, unreachable_host], request_, GROUP)
        assert len(reaches) == 3, f"offers must return one Reach per host: 3 hosts gave {len(reaches)}"
        assert ways(reaches[1]), f"the reachable host must get a Way, not {reaches[1]}"
        for reach in (reaches[0], reaches[2]):
            assert reach, "a host that cannot be reached gets an Unreachable, not an empty list"
            assert not ways(reach), f"the unreachable host must get no Way, not {reach}"
        assert await started.offers([], request_, GROUP) == [], "no hosts have no offers"

    async def test_unreachable_hosts_get_a_reason(
        self, started: Network, unreachable_host: Host, request_: Request
    ) -> None:
        for reach in (await started.offers([unreachable_host], request_, GROUP))[0]:
            assert isinstance(reach, Unreachable), f"expected Unreachable, not {reach}"
            assert isinstance(reach.reason, Reason), f"the reason must be a cse.network.Reason, not {reach.reason!r}"

    async def test_schemes_are_those_of_addresses_that_it_offers_ways_to(
        self, started: Network, reachable_host: Host
    ) -> None:
        """A network that names other schemes is never asked where a request goes to one host only."""
        if started.schemes is not None and not reachable_host.cse:
            schemes = {address.partition("://")[0].lower() for address in reachable_host.points_of_access}
            assert schemes & started.schemes, f"`schemes` of {started.name} must have one of {schemes}"

    async def test_offers_are_sound(self, started: Network, reachable_host: Host, request_: Request) -> None:
        for way in ways((await started.offers([reachable_host], request_, GROUP))[0]):
            check_offer(way.offer, started.name)
            assert way.address, "a Way has an address"

    async def test_offers_change_nothing(self, started: Network, reachable_host: Host, request_: Request) -> None:
        content = copy.deepcopy(request_.content)
        first = await started.offers([reachable_host], request_, GROUP)
        assert await started.offers([reachable_host], request_, GROUP) == first, "the same question has the same answer"
        assert request_.content == content, "offers must not change the request"

    async def test_hosts_with_one_offer_share_it(
        self, started: Network, reachable_host: Host, request_: Request
    ) -> None:
        hosts = [replace(reachable_host, id=f"{reachable_host.id}x{number}") for number in range(MANY)]
        reaches = await started.offers([reachable_host, *hosts], request_, GROUP)
        assert len(reaches) == MANY + 1, f"offers must return one Reach per host: {MANY + 1} gave {len(reaches)}"
        offers = {way.offer for reach in reaches for way in ways(reach)}
        assert len({offer.id for offer in offers}) == len(offers), "offers with the same id must be equal"

    async def test_the_payload_of_the_request_counts(
        self, started: Network, reachable_host: Host, request_: Request
    ) -> None:
        large = request_.derive(content={"m2m:sgn": {"sur": "x" * LARGE}})
        small = {way.offer.id: way.offer for way in ways((await started.offers([reachable_host], request_, GROUP))[0])}
        for reach in (await started.offers([reachable_host], large, GROUP))[0]:
            if isinstance(reach, Way) and reach.offer.id in small:
                grown = reach.offer.payload > small[reach.offer.id].payload
                assert grown, f"payload of {reach.offer.id} must be what the request takes on the medium"

    async def test_malformed_points_of_access_are_survived(
        self, started: Network, reachable_host: Host, request_: Request
    ) -> None:
        schemes = {address.split(":", 1)[0] for address in reachable_host.points_of_access}
        hosts = [Host("Codd", (address,)) for scheme in sorted(schemes) for address in odd_addresses(scheme)]
        reaches = await started.offers([*hosts, Host("Cnone", ())], request_, GROUP)
        assert len(reaches) == len(hosts) + 1, "every host gets a Reach, however odd its point of access"
        for host, reach in zip(hosts, reaches, strict=False):
            for way in ways(reach):
                # Whatever happens but DeliveryFailed fails this test.
                await self.deliver(started, way, [host], request_)

    async def test_a_request_is_answered(
        self, started: Network, engine: RecordingEngine, reachable_host: Host, request_: Request
    ) -> None:
        sent = await self.deliver_first(started, reachable_host, request_)
        assert sent.failure is None, f"the reachable host must be reached: {sent.failure}"
        answer = (await engine.answered(1, self.patience))[0]
        assert answer.request_identifier == request_.request_identifier, "an answer has the identifier of its request"
        assert answer.originator == reachable_host.id, f"From of the answer must be the AE-ID, not {answer.originator}"
        assert answer.network == started.name, "an answer names the network that it came in by"
        assert answer.response.succeeded, f"the device refused: {answer.response}"

    async def test_transmissions_are_counted(self, started: Network, reachable_host: Host, request_: Request) -> None:
        sent = await self.deliver_first(started, reachable_host, request_)
        assert sent.transmissions >= 1, "call delivery.transmitted for what goes out"
        assert sent.airtime_ms >= 0, "airtime is in milliseconds, 0 where it does not matter"

    async def test_requests_are_kept_apart(
        self, started: Network, engine: RecordingEngine, reachable_host: Host, request_: Request
    ) -> None:
        await self.deliver_first(started, reachable_host, request_)
        await engine.answered(1, self.patience)
        later = precise_timestamp(engine.clock.now() + 1)
        second = request_.derive(request_identifier="contract-2", originating_timestamp=later)
        await self.deliver_first(started, reachable_host, second)
        await engine.until(lambda: engine.answers[-1].request_identifier == "contract-2", self.patience)

    async def test_nobody_answers_for_a_dead_host(
        self, started: Network, engine: RecordingEngine, dead_host: Host, request_: Request
    ) -> None:
        await self.deliver_first(started, dead_host, request_)
        await settle()
        assert engine.answers == [], "sending is not receiving: only a device's own answer counts"

    async def test_a_dead_host_harms_nobody_else(
        self, started: Network, engine: RecordingEngine, reachable_host: Host, dead_host: Host, request_: Request
    ) -> None:
        await self.deliver_first(started, dead_host, request_)
        await self.deliver_first(started, reachable_host, request_)
        await engine.answered(1, self.patience)

    async def test_it_starts_again_after_a_stop(
        self, network: Network, engine: RecordingEngine, reachable_host: Host, request_: Request
    ) -> None:
        before = asyncio.all_tasks()
        for _ in range(2):
            await network.start(engine)
            await network.offers([reachable_host], request_, GROUP)
            await network.stop()
        await settle()
        left = asyncio.all_tasks() - before
        assert not left, f"stop must end the tasks that start began: {left}"

    async def deliver_first(
        self, network: Network, host: Host, request: Request, *, deadline: float = float("inf")
    ) -> Sent:
        """Deliver to this host alone, by the first way that is offered."""
        found = ways((await network.offers([host], request, GROUP))[0])
        assert found, f"{host} must get a Way"
        return await self.deliver(network, found[0], [host], request, deadline=deadline)

    async def deliver(
        self, network: Network, way: Way, hosts: Sequence[Host], request: Request, *, deadline: float = float("inf")
    ) -> Sent:
        """Deliver as the engine does. A delivery that takes too long is cancelled, which must do no harm."""
        counted: list[tuple[int, float]] = []
        delivery = Delivery(
            request,
            way.offer,
            way.address,
            hosts,
            GROUP,
            attempt=1,
            window=0.0,
            deadline=deadline,
            transmitted=lambda transmissions, airtime_ms: counted.append((transmissions, airtime_ms)),
        )
        failure: DeliveryFailed | None = None
        try:
            async with asyncio.timeout(self.patience):
                await network.deliver(delivery)
        except DeliveryFailed as error:
            failure = error
        except TimeoutError:
            pass
        return Sent(sum(one[0] for one in counted), sum(one[1] for one in counted), failure)


def ways(reach: Reach) -> list[Way]:
    """The ways among what a network said about one host."""
    return [one for one in reach if isinstance(one, Way)]


def odd_addresses(scheme: str) -> list[str]:
    """Points of access of this scheme as careless or hostile clients write them."""
    tails = ("", "[", "[::1", ":99999/", "a:b:c", "\x00", " ", "?", "#", "//", "@", "127.0.0.1:1/ü%zz", "x" * 5000)
    return ["", "://", scheme, scheme + ":", *(f"{scheme}://{tail}" for tail in tails)]


def check_offer(offer: Offer, network: str) -> None:
    """An offer that the planner can calculate with."""
    assert offer.network == network, f"offer {offer.id} must name its network {network}, not {offer.network}"
    for name in ("fixed", "per_member", "loss_ppm", "latency_ms", "latency_per_member_us", "payload", "airtime_ms"):
        value = getattr(offer, name)
        assert type(value) is int, f"{name} of {offer.id} must be an integer, not {value!r}"
        assert value >= 0, f"{name} of {offer.id} must not be negative"
    assert offer.loss_ppm <= 1_000_000, f"loss_ppm of {offer.id} is in parts per million"
    assert offer.max_payload > 0, f"max_payload of {offer.id} is in bytes"
    assert (offer.budget_ms is None) == (not offer.budget_key), (
        f"{offer.id} needs both budget_key and budget_ms or none"
    )
