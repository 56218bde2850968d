"""Things that happen at once, or at the wrong moment: ends, cancellations, restarts, a store that fails."""

import asyncio
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cse.fanout.entry import supersede_older
from cse.primitive import Operation, Response
from cse.store import Campaign, Row, Unit
from cse.store.opening import open_store
from cse.store.sqlite.engine import MemoryStore
from cse.testing.clock import ManualClock, settle
from cse.work import Work
from tests.cse.fanout.scenario import Scenario, eventually, items, scenario


class FailingStore(MemoryStore):
    """Units fail while `fails` says so; they can be held back, too."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.held = 0

    async def run(self, unit: Unit[Any]) -> Any:
        if self.fails:
            raise OSError("no space left on device")
        self.held += 1
        await self.gate.wait()
        self.held -= 1
        return await super().run(unit)


class RestlessClock(ManualClock):
    """Time goes on by a millisecond whenever somebody looks."""

    def now(self) -> float:
        self._now += 0.001
        return self._now


async def test_an_answer_is_acknowledged_when_it_is_durable() -> None:
    store = FailingStore()
    async with scenario(store) as city:
        city.wire.answers = False
        await city.group(await city.meters(2, "wire"))
        request = await city.start()
        await city.advance_until(lambda: len(city.wire.deliveries) == 2)
        answer = {"m2m:rsp": {"rsc": 2000, "rqi": city.wire.deliveries[0].request.request_identifier}}
        await eventually(lambda: store.held == 0)
        store.gate.clear()
        acknowledging = asyncio.create_task(city.ask(Operation.NOTIFY, "cse-in", "Cm0", content=answer))
        await eventually(lambda: store.held)
        await settle()
        assert not acknowledging.done()
        store.gate.set()
        assert (await acknowledging).status_code == 2000
        assert (await city.rows(request))["cse-in/m0"].state == "answered"


async def test_a_store_that_fails_for_a_while_loses_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    store = FailingStore()
    async with scenario(store) as city:
        members = await city.meters(3, "wire")
        await city.group(members)
        city.wire.answers = False
        request = await city.start(request_expiration="60000")
        await eventually(lambda: len(city.wire.deliveries) == 3)
        store.fails = True
        for i in range(3):
            city.wire.answer(city.wire.deliveries[0].request.request_identifier, f"Cm{i}")
        await city.clock.advance(5)
        store.fails = False
        result = await city.finished(request)
        assert items(result["ors"]["pc"]) == dict.fromkeys(members, 2000)
        assert (await city.report(request))["state"] == "finished"
    assert "could not be written" in caplog.text


async def test_a_campaign_that_is_ending_cannot_be_cancelled_or_superseded() -> None:
    store = FailingStore()
    async with scenario(store) as city:
        await city.group(await city.meters(2, "wire"))
        city.wire.answers = False
        request = await city.start(request_expiration="10000")
        await eventually(lambda: len(city.wire.deliveries) == 2)
        campaign = (await city.report(request))["campaign"]
        await city.clock.advance(9.9)
        store.gate.clear()
        await city.clock.advance(1)
        await eventually(lambda: store.held)
        cancelling = asyncio.create_task(city.server.fan_out.cancel(campaign))
        await settle()
        store.gate.set()
        await city.finished(request)
        await cancelling
        assert {row.reason for row in (await city.rows(request)).values()} == {"SILENT"}


async def test_answers_that_come_while_the_campaign_ends_are_late() -> None:
    store = FailingStore()
    async with scenario(store) as city:
        await city.group(await city.meters(1, "wire"))
        city.wire.answers = False
        request = await city.start(request_expiration="10000")
        await eventually(lambda: city.wire.deliveries)
        await city.clock.advance(9.9)
        store.gate.clear()
        await city.clock.advance(1)
        city.wire.answer(city.wire.deliveries[0].request.request_identifier, "Cm0")
        store.gate.set()
        assert (await city.finished(request))["rs"] == 2
        assert (await city.report(request))["discarded"] == {"late": 1}


async def test_what_a_network_hands_over_never_keeps_a_campaign_from_its_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*arguments: object, **parameters: object) -> None:
        raise ArithmeticError("costs that nobody can add")

    monkeypatch.setattr("cse.fanout.devices.choose", broken)
    async with scenario() as city:
        await city.group(await city.meters(2, "wire"))
        result = await city.finished(await city.start())
        assert (result["rs"], set(items(result["ors"]["pc"]).values())) == (1, {5103})
    assert "costs that nobody can add" in caplog.text


async def test_answers_that_had_come_before_a_stop_are_kept(tmp_path: Path) -> None:
    url, clock = f"sqlite:///{tmp_path}/cse.sqlite", ManualClock()
    async with scenario(url, clock, data_folder=str(tmp_path)) as city:
        members = await city.meters(2, "wire")
        await city.group(members)
        city.wire.answers = False
        request = await city.start()
        await eventually(lambda: len(city.wire.deliveries) == 2)
        city.wire.answer(city.wire.deliveries[0].request.request_identifier, "Cm0")
    async with scenario(url, clock, data_folder=str(tmp_path)) as city:
        assert (await city.rows(request))[members[0]].state == "answered"


async def test_a_member_that_has_gone_from_the_tree_while_the_server_was_down(tmp_path: Path) -> None:
    url, clock = f"sqlite:///{tmp_path}/cse.sqlite", ManualClock()
    async with scenario(url, clock, data_folder=str(tmp_path)) as city:
        members = await city.meters(2, "wire")
        await city.group(members)
        city.wire.answers = False
        request = await city.start(request_expiration="30000")
        await eventually(lambda: len(city.wire.deliveries) == 2)
        await city.ask(Operation.DELETE, members[0])
    async with scenario(url, clock, data_folder=str(tmp_path)) as city:
        result = await city.finished(request)
        assert items(result["ors"]["pc"]) == {members[1]: 2000}
        assert (await city.rows(request))[members[0]].reason == "SILENT"


async def test_all_members_have_gone_from_the_tree_while_the_server_was_down(tmp_path: Path) -> None:
    url, clock = f"sqlite:///{tmp_path}/cse.sqlite", ManualClock()
    async with scenario(url, clock, data_folder=str(tmp_path)) as city:
        (member,) = await city.meters(1, "wire")
        await city.group([member])
        city.wire.answers = False
        request = await city.start(request_expiration="30000")
        await eventually(lambda: city.wire.deliveries)
        await city.ask(Operation.DELETE, member)
    async with scenario(url, clock, data_folder=str(tmp_path)) as city:
        assert (await city.finished(request))["rs"] == 2
        assert (await city.rows(request))[member].reason == "SILENT"


async def test_a_row_that_a_crash_left_waiting_is_superseded_at_the_restart(tmp_path: Path) -> None:
    url, clock = f"sqlite:///{tmp_path}/cse.sqlite", ManualClock()
    async with scenario(url, clock, data_folder=str(tmp_path)) as city:
        members = await city.meters(2, "wire")
        await city.group(members)
        city.wire.answers = False
        older = await city.start()
        await eventually(lambda: len(city.wire.deliveries) == 2)
        before = list((await city.rows(older)).values())
        newer = await city.start()
        await eventually(lambda: len(city.wire.deliveries) == 4)
        campaign = (await city.report(older))["campaign"]
    store = open_store(url)
    await store.open()
    await store.run(lambda transaction: transaction.campaigns.write(campaign, before))
    await store.close()
    async with scenario(url, clock, data_folder=str(tmp_path)) as city:
        await city.finished(newer)
        assert {row.reason for row in (await city.rows(older)).values()} == {"SUPERSEDED"}
        assert {delivery.request.request_identifier for delivery in city.wire.deliveries}.isdisjoint({campaign})


async def test_a_local_fan_out_is_not_superseded_by_a_device_request() -> None:
    async with scenario() as city:

        def unit(work: Work) -> tuple[list[tuple[str, Row]], list[Row]]:
            campaigns = work.transaction.campaigns
            older, newer = _campaign(work, 1), _campaign(work, 2)
            campaigns.add(older, [_row("Cm0", host="")])
            campaigns.add(newer, [_row("Cm0", host="Cm0")])
            return supersede_older(work, newer), campaigns.rows(older.id)

        superseded, rows = await city.server.core.run(unit)
        assert superseded == []
        assert [row.state for row in rows] == ["waiting"]


async def test_the_request_on_the_wire_is_the_same_after_a_restart_however_long_it_took_to_begin(
    tmp_path: Path,
) -> None:
    url, clock = f"sqlite:///{tmp_path}/cse.sqlite", RestlessClock()
    async with scenario(url, clock, data_folder=str(tmp_path)) as city:
        await city.group(await city.meters(1, "wire"))
        city.wire.answers = False
        request = await city.start(request_expiration="600000")
        await eventually(lambda: city.wire.deliveries)
        first = city.wire.deliveries[0].request
    async with scenario(url, clock, data_folder=str(tmp_path)) as city:
        await city.finished(request)
        assert city.wire.deliveries[0].request == first


async def test_a_blocking_request_that_is_abandoned_leaves_nothing_behind() -> None:
    async with scenario() as city:
        await city.group(await city.meters(1, "wire"))
        city.wire.answers = False
        client = asyncio.create_task(city.notify())
        await eventually(lambda: city.wire.deliveries)
        client.cancel()
        with suppress(asyncio.CancelledError):
            await client
        await until_no_campaign(city)


async def test_news_are_told_even_if_nothing_happens_after_them() -> None:
    async with scenario() as city:
        await city.group(await city.meters(4, "wire"))
        city.wire.answers = False
        request = await city.start(request_expiration="10000", result_expiration="600000")
        await eventually(lambda: len(city.wire.deliveries) == 4)
        identifier = city.wire.deliveries[0].request.request_identifier
        await city.clock.advance(20)
        for name in ("Cm0", "Cm1"):
            before = (await city.result(request))["lt"]
            city.wire.answer(identifier, name)
            await city.advance_until(partial(_is_newer, city, request, before), seconds=10)


async def _is_newer(city: Scenario, request: str, moment: str) -> bool:
    return bool((await city.result(request))["lt"] > moment)


async def test_an_answer_that_json_cannot_express_is_malformed_and_costs_the_member_nothing() -> None:
    async with scenario() as city:
        await city.group(await city.meters(1, "wire"))
        city.wire.answers = False
        request = await city.start()
        await eventually(lambda: city.wire.deliveries)
        identifier = city.wire.deliveries[0].request.request_identifier
        nested: Any = "deep"
        for _ in range(200):
            nested = [nested]
        for content in (b"bytes of CBOR", {1: "no string"}, nested):
            city.wire.engine.answer(identifier, "Cm0", Response(2000, content), "wire")
        city.wire.answer(identifier, "Cm0")
        assert (await city.finished(request))["rs"] == 1
        assert (await city.report(request))["discarded"] == {"malformed": 3}


async def until_no_campaign(city: Scenario) -> None:
    for _ in range(1000):
        if not await city.server.core.read(lambda work: work.transaction.campaigns.all()):
            return
        await asyncio.sleep(0.002)
    raise AssertionError("the campaign is still there")


def _campaign(work: Work, sequence: int) -> Campaign:
    return Campaign(f"c{sequence}", sequence, "g", b"{}", "", work.now, work.now + 60, "running")


def _row(target: str, host: str) -> Row:
    return Row(0, target, target, host, "waiting")
