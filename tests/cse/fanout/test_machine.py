"""Random histories of campaigns: whatever networks, devices, operators and crashes do, the books are in order."""

import asyncio
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cse.errors import NotFound
from cse.fanout.report import campaign_report
from cse.network import Delivery, Discard, Reason
from cse.primitive import Operation, Response
from cse.store import Campaign, Row
from cse.testing.clock import ManualClock, settle
from cse.work import Work
from tests.cse.fanout.scenario import Scenario, ScriptedNetwork, refusing, scenario

DEADLINE = 60
METERS = 6
MEMBERS = [f"cse-in/m{i}" for i in range(METERS)]
OTHERS = ["cse-in/box", "cse-in/closed", "/mn-1/cse-mn/meter"]
HOSTS = [f"Cm{i}" for i in range(METERS)]
FAILURES = (None, RuntimeError("broken plugin"), refusing())
REASONS = (None, Reason.OFFLINE, Reason.NOT_JOINED, Reason.PAYLOAD_TOO_LARGE)
SCHEMES = ["air", "wire", "air wire", "air", "wire", "pigeon"]
FINAL = {"answered", "failed", "unreachable"}


class CampaignMachine(RuleBasedStateMachine):
    """One server with two scripted networks, stopped and started on the same file."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = ManualClock()
        self.requests: dict[str, float] = {}
        self.answered: dict[tuple[str, int], Row] = {}
        self.final: dict[tuple[str, int], str] = {}
        self.delivered: list[tuple[float, Delivery]] = []
        self.held: set[str] = set()
        self.sent_nevertheless: list[Delivery] = []
        self.run(self.start())

    def run(self, doing: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(doing)

    async def start(self) -> None:
        store = f"sqlite:///{self.folder}/cse.sqlite"
        self.server = scenario(store, self.clock, data_folder=str(self.folder), abort_percent=70.0, abort_minimum=3)
        self.city: Scenario = await self.server.__aenter__()
        self.city.identifiers = [""] * (100_000 + 1000 * len(self.requests))
        for network in (self.city.air, self.city.wire):
            setattr(network, "deliver", self.watch(network))  # noqa: B010 - a method, for the type checker

    def watch(self, network: ScriptedNetwork) -> Callable[[Delivery], Coroutine[Any, Any, None]]:
        deliver = network.deliver

        async def watched(delivery: Delivery) -> None:
            self.delivered.append((self.clock.now(), delivery))
            if delivery.request.request_identifier in self.held:
                self.sent_nevertheless.append(delivery)
            await deliver(delivery)

        return watched

    @initialize()
    def meters(self) -> None:
        self.run(self.provide())

    async def provide(self) -> None:
        everybody = {"acor": ["all"], "acop": 63}
        await self.city.create("cse-in", 1, "acp", rn="open", pv={"acr": [everybody]}, pvs={"acr": [everybody]})
        await asyncio.gather(
            *(self.meter(i, schemes) for i, schemes in enumerate(SCHEMES)),
            self.city.meter("closed", "wire://closed", "air://closed"),
            self.city.create("cse-in", 3, "cnt", rn="box"),
        )
        members = [MEMBERS[i * 2 :] + OTHERS[: i + 1] for i in range(3)]
        await asyncio.gather(*(self.city.group(each, f"g{i}", macp=["cse-in/open"]) for i, each in enumerate(members)))

    async def meter(self, number: int, schemes: str) -> None:
        addresses = [f"{scheme}://m{number}" for scheme in schemes.split()]
        await self.city.meter(f"m{number}", *addresses, acpi=["cse-in/open"])

    @rule(group=st.integers(0, 2), later=st.booleans())
    def campaign(self, group: int, later: bool) -> None:
        collecting = {"result_expiration": str(DEADLINE * 2000)} if later else {}
        start = self.city.start(
            f"g{group}", originator="Cheadend", request_expiration=str(DEADLINE * 1000), **collecting
        )
        self.requests[self.run(start)] = self.clock.now() + DEADLINE * (2 if later else 1)
        self.run(settle())

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0, 10.0, 40.0]))
    def time_goes_on(self, seconds: float) -> None:
        self.run(self.clock.advance(seconds))

    @rule(broadcast=st.booleans(), failure=st.sampled_from(FAILURES))
    def deliveries_fail(self, broadcast: bool, failure: Exception | None) -> None:
        self.network(broadcast).failure = failure

    @rule(broadcast=st.booleans(), failure=st.sampled_from(FAILURES[:2]))
    def offers_fail(self, broadcast: bool, failure: Exception | None) -> None:
        self.network(broadcast).offer_failure = failure

    @rule(broadcast=st.booleans(), reason=st.sampled_from(REASONS))
    def network_offers_nothing(self, broadcast: bool, reason: Reason | None) -> None:
        self.network(broadcast).reason = reason

    @rule(broadcast=st.booleans(), hears=st.sets(st.sampled_from(HOSTS)), answers=st.booleans())
    def devices_hear(self, broadcast: bool, hears: set[str], answers: bool) -> None:
        network = self.network(broadcast)
        network.hears = lambda host, attempt: host in hears
        network.answers = answers

    @precondition(lambda self: self.requests)
    @rule(
        which=st.integers(0, 1000),
        host=st.sampled_from([*HOSTS, "Cclosed", "Cnobody", "/id-in/Cm1"]),
        content=st.sampled_from([{"m2m:cin": {"con": "1"}}, None, b"rubbish"]),
        status=st.sampled_from([2000, 2001, 4000, 5]),
    )
    def answer(self, which: int, host: str, content: Any, status: int) -> None:
        if not self.delivered:
            return
        identifier = self.delivered[which % len(self.delivered)][1].request.request_identifier
        self.run(self.hand_over(identifier, host, Response(status, content)))

    async def hand_over(self, identifier: str, host: str, response: Response) -> None:
        self.city.wire.engine.answer(identifier, host, response, "wire")
        await settle()

    @rule(host=st.sampled_from(HOSTS), reason=st.sampled_from(list(Discard)))
    def stray(self, host: str, reason: Discard) -> None:
        self.city.air.answer("no-such-request", host)
        self.city.air.engine.discard("no-such-request", reason, 3)

    @precondition(lambda self: self.requests)
    @rule(which=st.integers(0, 1000))
    def cancel(self, which: int) -> None:
        request = list(self.requests)[which % len(self.requests)]
        report = self.run(self.city.report(request))
        try:
            self.run(self.city.server.fan_out.cancel(report["campaign"]))
        except NotFound:
            assert self.run(self.city.report(request))["finished"]
        self.run(settle())

    @precondition(lambda self: self.requests)
    @rule(which=st.integers(0, 1000), state=st.sampled_from(["paused", "running", "cancelled"]))
    def control(self, which: int, state: str) -> None:
        request = list(self.requests)[which % len(self.requests)]
        self.run(self.update_report(request, state))

    async def update_report(self, request: str, state: str) -> None:
        """By the resource in the tree, as a client does; once it is stopped or over, that is refused."""
        report = await self.city.report(request)
        response = await self.city.ask(
            Operation.UPDATE,
            f"cse-in/campaigns/{report['campaign']}",
            "Cheadend",
            content={"cse:campaign": {"state": state}},
        )
        assert response.status_code in (2004, 4005), response.content
        after = await self.city.report(request)  # it may have come to its end meanwhile
        assert response.status_code == 2004 or after["state"] != "running"
        if response.status_code == 2004:
            (self.held.discard if state == "running" else self.held.add)(report["campaign"])
        await settle()

    @rule()
    def restart(self) -> None:
        self.run(self.server.__aexit__(None, None, None))
        self.run(self.start())
        self.run(settle())

    @invariant()
    def books_are_in_order(self) -> None:
        if self.requests:
            for campaign, rows, report in self.run(self.city.server.core.read(_books)):
                assert [row.position for row in rows] == list(range(len(rows)))
                assert len({row.member for row in rows}) == len(rows) == report["members"]
                assert sum(report["states"].values()) == len(rows)
                assert campaign.finished_at is None or {row.state for row in rows} <= FINAL
                self.remember(campaign, rows)

    @invariant()
    def every_campaign_ends(self) -> None:
        for request, deadline in self.requests.items():
            if self.clock.now() > deadline:
                result = self.run(self.complete(request))
                self.compare(result, self.run(self.city.rows(request)))

    async def complete(self, request: str) -> dict[str, Any]:
        """The <request>, for which a commit may still be under way in real time."""
        for _ in range(1000):
            result = await self.city.result(request)
            if result["rs"] in (1, 2):
                return result
            await asyncio.sleep(0.002)
        raise AssertionError(f"{request} never ended")

    @invariant()
    def nothing_is_sent_too_late_or_to_somebody_else(self) -> None:
        for moment, delivery in self.delivered:
            assert moment < delivery.deadline
            assert {host.id for host in delivery.hosts} <= set(HOSTS)

    @invariant()
    def nothing_is_sent_in_a_pause_or_after_the_end(self) -> None:
        assert not self.sent_nevertheless

    @invariant()
    def reports_add_up(self) -> None:
        if self.requests:
            for report in self.run(self.city.server.core.read(_reports)):
                told = [report[state] for state in ("waiting", "answered", "failed", "unreachable") if state in report]
                assert sum(told) == report.get("total", 0)
                assert report["state"] in ("running", "paused", "cancelled") or "end" in report
                assert "end" not in report or report["waiting"] == 0

    @invariant()
    def devices_get_one_request_per_campaign(self) -> None:
        wires = defaultdict(set)
        for _, delivery in self.delivered:
            wires[delivery.request.request_identifier].add(delivery.request.to_json())
        assert all(len(different) == 1 for different in wires.values())

    def remember(self, campaign: Campaign, rows: list[Row]) -> None:
        """An answer never changes again; no other final state turns back, and in a finished campaign none changes."""
        for row in rows:
            key = (campaign.id, row.position)
            if row.state == "answered":
                assert self.answered.setdefault(key, row) == row
            if campaign.finished_at is not None:
                assert self.final.setdefault(key, row.state + row.reason) == row.state + row.reason
            assert row.state != "waiting" or key not in self.answered

    def compare(self, result: dict[str, Any], rows: dict[str, Row]) -> None:
        """The items of the aggregated response are those of the rows."""
        content = result["ors"].get("pc", {})
        if "m2m:agr" not in content:
            assert result["ors"]["rsc"] == 5209
            found = {}
        else:
            found = {item["fr"]: item["rsc"] for item in content["m2m:agr"]["m2m:rsp"]}
        expected = {member: row.status_code for member, row in rows.items() if row.state == "answered"}
        for member, row in rows.items():
            if row.state == "unreachable" or row.reason in ("REFUSED", "ERROR"):
                expected[member] = 5103
        assert found == expected

    def network(self, broadcast: bool) -> ScriptedNetwork:
        return self.city.air if broadcast else self.city.wire

    def teardown(self) -> None:
        self.run(self.clock.advance(DEADLINE * 2 + 1))
        self.every_campaign_ends()
        self.books_are_in_order()
        self.run(self.server.__aexit__(None, None, None))
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        shutil.rmtree(self.folder)


def _books(work: Work) -> list[tuple[Campaign, list[Row], dict[str, Any]]]:
    campaigns = work.transaction.campaigns
    return [(campaign, campaigns.rows(campaign.id), campaign_report(work, campaign)) for campaign in campaigns.all()]


def _reports(work: Work) -> list[dict[str, Any]]:
    place = work.resource("cse-in/campaigns")
    children = () if place is None else work.transaction.resources.children(place.ri)
    return [child.attributes for child in children]


def _run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        CampaignMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.hypothesis
def test_random_histories() -> None:
    _run(examples=5, steps=20)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_many_random_histories() -> None:
    _run(examples=100, steps=40)
