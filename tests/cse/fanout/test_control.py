"""What is wanted of a campaign is kept to by all of its parts, and told in its report."""

import pytest

from cse.fanout.control import Control
from cse.fanout.states import ABORTED, CANCELLED, PAUSED, RUNNING, Failure
from cse.network import SetUp
from cse.primitive import Operation, ResponseType
from cse.store import Campaign, Effect
from cse.testing.clock import settle
from tests.cse.fanout.scenario import Scenario, ScriptedNetwork, eventually, scenario


def campaign(state: str = RUNNING) -> Campaign:
    return Campaign("cmp1", 1, "g", b"{}", "req1", 0.0, 100.0, state)


def test_everybody_who_heeds_hears_of_changes() -> None:
    control, heard = Control(campaign()), []
    control.heed(lambda: heard.append(control.is_paused))
    control.set(PAUSED)
    control.set(RUNNING)
    assert heard == [False, True, False]


def test_what_has_been_stopped_or_is_over_stays_so() -> None:
    control = Control(campaign())
    control.set(ABORTED, "too many failures")
    control.set(CANCELLED)
    assert control.failure is Failure.ABORTED
    assert Control(campaign(CANCELLED)).failure is Failure.CANCELLED
    over = campaign()
    over.finished_at = 1.0
    Control(over).set(PAUSED)
    assert over.state == RUNNING


async def control(city: Scenario, request: str, state: str) -> None:
    identifier = (await city.report(request))["campaign"]
    await city.server.fan_out.controlled(Effect(1, "", {"campaign": identifier, "state": state}))


async def create_in_all(city: Scenario) -> str:
    """Start to create something below 20 members, one by one."""
    await city.group(await city.meters(20, "wire"))
    response = await city.ask(
        Operation.CREATE,
        "cse-in/city/fopt",
        resource_type=3,
        content={"m2m:cnt": {"rn": "data"}},
        response_type=ResponseType.NON_BLOCKING_SYNCH,
        result_expiration="60000",
    )
    request = str(response.content["m2m:uri"])
    await city.report(request)
    return request


async def created(city: Scenario) -> int:
    found = await city.ask(Operation.RETRIEVE, "cse-in", filters={"fu": ["1"], "ty": ["3"]})
    return sum(each.endswith("/data") for each in found.content["m2m:uril"])


@pytest.mark.parametrize("then", [RUNNING, CANCELLED, "deadline"])
async def test_operations_on_the_tree_make_a_pause(then: str) -> None:
    async with scenario(fan_out_slice=1) as city:
        request = await create_in_all(city)
        await control(city, request, PAUSED)
        await settle()
        before = await created(city)
        await settle()
        assert await created(city) == before
        if then != "deadline":
            await control(city, request, then)
        await city.finished(request)
        report = await city.report(request)
        expected = {RUNNING: {}, CANCELLED: {"CANCELLED": 20 - before}, "deadline": {"EXPIRED": 20 - before}}[then]
        assert report["reasons"] == {reason: count for reason, count in expected.items() if count}
        assert await created(city) == (20 if then == RUNNING else before)


async def test_to_control_what_is_over_does_nothing() -> None:
    async with scenario() as city:
        await city.group(await city.meters(1, "wire"))
        request = await city.start()
        await city.finished(request)
        await control(city, request, CANCELLED)
        assert (await city.report(request))["state"] == "finished"


async def test_the_report_says_what_session_set_up_has_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scenario() as city:
        monkeypatch.setattr(city.air, "set_up", lambda group: SetUp(3, 1.5))
        monkeypatch.setattr(city.wire, "set_up", broken)
        await city.group(await city.meters(1, "wire"))
        request = await city.start()
        await city.finished(request)
        report = await city.ask(Operation.RETRIEVE, f"cse-in/campaigns/{(await city.report(request))['campaign']}")
        assert report.content["cse:campaign"]["setup"] == {"air": {"transmissions": 3, "airtimeMs": 1.5}}


def broken(group: str) -> SetUp:
    raise RuntimeError("broken plugin")


async def test_repetitions_of_a_broadcast_are_not_counted_anew_after_a_restart(tmp_path: object) -> None:
    store = f"sqlite:///{tmp_path}/cse.sqlite"
    async with scenario(store, data_folder=str(tmp_path)) as city:
        city.air.answers = False
        await city.group(await city.meters(3, "air"))
        request = await city.start(request_expiration="600000")
        await city.advance_until(lambda: len(broadcasts(city.air)) == 2)
        await settle()
    async with scenario(store, city.clock, data_folder=str(tmp_path)) as again:
        await eventually(lambda: len(again.air.deliveries) == 3)
        assert broadcasts(again.air) == []
        assert (await again.report(request))["states"]["waiting"] <= 3


def broadcasts(network: ScriptedNetwork) -> list[int]:
    return [delivery.attempt for delivery in network.deliveries if delivery.offer.broadcast]
