"""The report on a fan-out in the tree: watched, paused, resumed, cancelled, and what ends a fan-out by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cse.network import Delivery
from cse.testing.clock import ManualClock
from tests.cse.fanout.scenario import INSTRUCTION, ScriptedNetwork
from tests.servers import Answer, Client, Listener, Running, eventually, hurrying, serving

STATES = ("waiting", "answered", "failed", "unreachable")


class Field:
    """A server with meters behind a scripted network, by whose broadcasts and unicasts they are reached."""

    def __init__(self, running: Running, network: ScriptedNetwork, clock: ManualClock) -> None:
        self.client: Client = running.client
        self.network = network
        self.clock = clock

    async def meters(self, count: int, **attributes: Any) -> None:
        for number in range(count):
            assert (await self.client.register(f"m{number}", f"air://m{number}", **attributes)).rsc == 2001
        group = {"rn": "city", "mnm": count, "mid": [f"cse-in/m{number}" for number in range(count)]}
        assert (await self.client.create("/cse-in", 9, {"m2m:grp": group})).rsc == 2001

    async def start(self, originator: str = "CAdmin", seconds: int = 600) -> str:
        """Ask all meters, without waiting; the path of the report."""
        answer = await self.client.request(
            "POST", "/cse-in/city/fopt?rt=1", originator, content=INSTRUCTION, X_M2M_RET=str(seconds * 1000)
        )
        assert answer.rsc == 1001, answer
        return await self.report_of(answer.content["m2m:uri"], originator)

    async def report_of(self, request: str, originator: str = "CAdmin") -> str:
        linked = await eventually(
            lambda: self.client.get(f"/{request}", originator), lambda answer: len(answer.resource["lbl"]) == 2
        )
        return "/" + str(linked.resource["lbl"][1]).removeprefix("report:")

    async def report(self, path: str, originator: str = "CAdmin") -> dict[str, Any]:
        answer = await self.client.get(path, originator)
        assert answer.rsc == 2000, answer
        report: dict[str, Any] = answer.content["cse:campaign"]
        return report

    async def set(self, path: str, state: str, originator: str = "CAdmin") -> Answer:
        return await self.client.update(path, {"cse:campaign": {"state": state}}, originator)

    async def over(self, path: str) -> dict[str, Any]:
        """The report when the fan-out is over; the clock is moved on until then."""
        return await hurrying(self.clock, eventually(lambda: self.report(path), lambda report: "end" in report))

    def sent(self) -> list[Delivery]:
        return self.network.deliveries


@asynccontextmanager
async def field(clock: ManualClock | None = None, *, broadcast: bool = False, **settings: Any) -> AsyncIterator[Field]:
    clock, network = clock or ManualClock(), ScriptedNetwork("air", broadcast=broadcast)
    async with serving(clock=clock, networks=[network], **settings) as running:
        yield Field(running, network, clock)


def _has_answers(count: int, report: dict[str, Any]) -> bool:
    return bool(report["answered"] == count)


def adds_up(report: dict[str, Any]) -> bool:
    return bool(report["total"] == sum(report[state] for state in STATES) and report["succeeded"] <= report["answered"])


async def test_the_report_says_how_it_went_and_goes_with_the_request() -> None:
    async with field() as city:
        await city.meters(4)
        city.network.hears = lambda host, attempt: host != "Cm3" and (host != "Cm2" or attempt > 1)
        path = await city.start(seconds=20)
        report = await city.over(path)
        assert adds_up(report)
        assert [report[name] for name in ("total", "answered", "succeeded", "failed")] == [4, 3, 3, 1]
        assert (report["state"], report["reasons"]) == ("finished", {"SILENT": 1})
        air = report["networks"]["air"]
        assert (air["members"], air["answered"], air["failed"], air["repaired"]) == (4, 3, 1, 1)
        assert air["transmissions"] == len(city.sent())
        assert (report["plan"]["members"], report["plan"]["unserved"]) == (4, 0)
        assert report["cnd"] == "cse.fanout.campaign"
        assert report["start"] < report["end"]
        assert (await city.client.delete(path)).rsc == 4005
        assert (await city.client.delete(f"/{report['request']}")).rsc == 2002
        assert (await city.client.get(path)).rsc == 4004


async def test_only_the_originator_and_the_administrator_see_and_stop_it() -> None:
    async with field() as city:
        everybody = {"acor": ["all"], "acop": 63}
        policy = {"rn": "open", "pv": {"acr": [everybody]}, "pvs": {"acr": [everybody]}}
        await city.client.create("/cse-in", 1, {"m2m:acp": policy})
        await city.client.register("head")
        await city.meters(1, acpi=["cse-in/open"])
        await city.client.update("/cse-in/city", {"m2m:grp": {"macp": ["cse-in/open"]}})
        city.network.answers = False
        path = await city.start("Chead")
        for originator, rsc in (("Cm0", 4103), ("Chead", 2000), ("CAdmin", 2000)):
            assert (await city.client.get(path, originator)).rsc == rsc
        assert (await city.set(path, "paused", "Cm0")).rsc == 4103
        for content in (
            {"total": 7},
            {"lbl": ["mine"]},
            {"acpi": ["cse-in/open"]},
            {"state": "finished"},
            {"state": 1},
        ):
            assert (await city.client.update(path, {"cse:campaign": content}, "Chead")).rsc == 4000, content
        created = {"cse:campaign": {"cnd": "cse.fanout.campaign"}}
        assert (await city.client.create("/cse-in", 28, created)).rsc == 4005
        request = (await city.report(path))["request"]
        refusal = await city.client.delete(f"/{request}", "Chead")
        assert refusal.rsc == 5220
        assert f"set state of {path[1:]} to cancelled" in refusal.debug
        assert (await city.set(path, "cancelled", "Chead")).rsc == 2004
        report = await eventually(lambda: city.report(path, "Chead"), lambda report: "end" in report)
        assert (report["state"], report["reasons"]) == ("cancelled", {"CANCELLED": 1})
        assert (await city.set(path, "running", "Chead")).rsc == 4005


async def test_a_pause_holds_over_a_restart_and_answers_count(tmp_path: Path) -> None:
    clock = ManualClock()
    stored: Any = {"store": f"sqlite:///{tmp_path}/cse.sqlite", "data_folder": str(tmp_path)}
    async with field(clock, **stored) as city:
        await city.meters(3)
        city.network.answers = False
        path = await city.start()
        await eventually(lambda: city.report(path), lambda _: len(city.sent()) == 3)
        assert (await city.set(path, "paused")).rsc == 2004
        await clock.advance(100)
        assert len(city.sent()) == 3
        city.network.answer(city.sent()[0].request.request_identifier, "Cm0")
        await hurrying(clock, eventually(lambda: city.report(path), lambda report: report["answered"] == 1))
    async with field(clock, **stored) as city:
        await clock.advance(100)
        assert city.sent() == []
        report = await city.report(path)
        assert (report["state"], report["waiting"], report["answered"]) == ("paused", 2, 1)
        assert (await city.set(path, "running")).rsc == 2004
        report = await city.over(path)
        assert (report["state"], report["answered"]) == ("finished", 3)
        assert {delivery.hosts[0].id for delivery in city.sent()} == {"Cm1", "Cm2"}


async def test_the_deadline_does_not_wait_for_the_end_of_a_pause() -> None:
    async with field() as city:
        await city.meters(2)
        city.network.answers = False
        path = await city.start(seconds=30)
        assert (await city.set(path, "paused")).rsc == 2004
        report = await city.over(path)
        assert (report["state"], report["failed"]) == ("finished", 2)


async def test_what_has_been_cancelled_is_not_taken_up_after_a_restart(tmp_path: Path) -> None:
    clock = ManualClock()
    stored: Any = {"store": f"sqlite:///{tmp_path}/cse.sqlite", "data_folder": str(tmp_path)}
    async with field(clock, **stored) as city:
        await city.meters(2)
        city.network.answers = False
        path = await city.start()
        assert (await city.set(path, "cancelled")).rsc == 2004
    async with field(clock, **stored) as city:
        report = await city.over(path)
        assert (report["state"], report["reasons"], city.sent()) == ("cancelled", {"CANCELLED": 2}, [])


async def test_a_large_result_is_read_in_pages() -> None:
    async with field() as city:
        await city.meters(7)
        city.network.hears = lambda host, attempt: host != "Cm3"
        path = await city.start(seconds=20)
        request = (await city.over(path))["request"]
        found: list[str] = []
        following, pages = 1, 0
        while following:
            page = (await city.client.get(f"/{request}?lim=2&ofst={following}")).resource["ors"]
            found += [item["fr"] for item in page["pc"]["m2m:agr"]["m2m:rsp"]]
            following, pages = page.get("cnot"), pages + 1
            assert (page.get("cnst"), page["rsc"]) == (1 if following else None, 2000)
        assert (found, pages) == ([f"cse-in/m{number}" for number in range(7) if number != 3], 4)
        whole = (await city.client.get(f"/{request}")).resource["ors"]
        assert whole == (await city.client.get(f"/{request}?ofst=1")).resource["ors"]
        assert (await city.client.get(f"/{request}?lim=few")).rsc == 4000


async def test_members_are_found_by_state_and_reason() -> None:
    async with field() as city:
        await city.meters(4)
        city.network.hears = lambda host, attempt: host not in ("Cm1", "Cm3")
        path = await city.start(seconds=20)
        campaign = path.rpartition("/")[2]
        await city.over(path)
        members = f"/.cse/campaigns/{campaign}/members"
        for query, expected in (
            ("reason=SILENT", ["cse-in/m1", "cse-in/m3"]),
            ("reason=SILENT&after=1", ["cse-in/m3"]),
            ("state=failed&reason=SILENT&limit=1", ["cse-in/m1"]),
            ("state=answered&reason=SILENT", []),
            ("reason=OFFLINE", []),
        ):
            answer = await city.client.get(f"{members}?{query}")
            assert [member["member"] for member in answer.content["members"]] == expected, query
        assert (await city.client.get(f"{members}?reason=nonsense")).status == 400


@pytest.mark.parametrize("healthy", [True, False])
async def test_the_canary_goes_first(healthy: bool) -> None:
    async with field(broadcast=True, canary=4, canary_success=50, canary_timeout=30) as city:
        await city.meters(12)
        city.network.answers = healthy
        path = await city.start()
        report = await city.over(path)
        first = city.sent()[:4]
        assert not any(delivery.offer.broadcast for delivery in first)
        assert {delivery.hosts[0].id for delivery in first} == {"Cm0", "Cm3", "Cm6", "Cm9"}
        assert report["canary"] == {"members": 4, "succeeded": 4 * healthy, "passed": healthy}
        if healthy:
            assert (report["state"], report["answered"]) == ("finished", 12)
            assert len(city.sent()[-1].hosts) >= 8
        else:
            assert (report["state"], report["reasons"]) == ("aborted", {"ABORTED": 12})
            assert {host.id for delivery in city.sent() for host in delivery.hosts} == {"Cm0", "Cm3", "Cm6", "Cm9"}
            assert "canary_success" in report["why"]


async def test_a_canary_that_answers_with_errors_stops_it_at_once() -> None:
    async with field(canary=2, canary_success=100) as city:
        await city.meters(5)
        city.network.answers = False
        path = await city.start()
        await eventually(lambda: city.report(path), lambda _: len(city.sent()) == 2)
        city.network.answer(city.sent()[0].request.request_identifier, "Cm0", 4000)
        report = await eventually(lambda: city.report(path), lambda report: "end" in report)
        assert (report["answered"], report["succeeded"], report["reasons"]) == (1, 0, {"ABORTED": 4})


async def test_too_many_failures_stop_it() -> None:
    async with field(abort_percent=50, abort_minimum=4) as city:
        await city.meters(10)
        city.network.answers = False
        path = await city.start()
        await eventually(lambda: city.report(path), lambda _: len(city.sent()) == 10)
        identifier = city.sent()[0].request.request_identifier
        for number, code in enumerate((2000, 4000, 4000)):
            city.network.answer(identifier, f"Cm{number}", code)
        await city.clock.advance(1)
        assert (await city.report(path))["state"] == "running"
        city.network.answer(identifier, "Cm3", 5000)
        report = await eventually(lambda: city.report(path), lambda report: "end" in report)
        assert adds_up(report)
        assert (report["state"], report["answered"], report["reasons"]) == ("aborted", 4, {"ABORTED": 6})
        assert report["why"] == "3 of 4 members failed, more than 50 % (abort_percent)"


async def test_one_originator_has_only_so_many_under_way() -> None:
    async with field(max_campaigns_of_one=1) as city:
        everybody = {"acor": ["all"], "acop": 63}
        policy = {"rn": "open", "pv": {"acr": [everybody]}, "pvs": {"acr": [everybody]}}
        await city.client.create("/cse-in", 1, {"m2m:acp": policy})
        await city.meters(1, acpi=["cse-in/open"])
        await city.client.update("/cse-in/city", {"m2m:grp": {"macp": ["cse-in/open"]}})
        city.network.answers = False
        path = await city.start("Chead")
        answer = await city.client.request("POST", "/cse-in/city/fopt", "Chead", content=INSTRUCTION)
        assert answer.rsc == 4005
        assert "max_campaigns_of_one" in answer.debug
        await city.start("Cother")
        assert (await city.report(path)).get("reasons", {}) in ({}, {"SUPERSEDED": 1})


async def test_a_subscriber_hears_of_changes_and_of_the_end_once() -> None:
    async with field() as city, Listener() as listener:
        await city.meters(3)
        city.network.answers = False
        path = await city.start()
        criteria = {"net": [1], "atr": ["answered", "failed", "state", "end"]}
        subscription = {"rn": "watch", "nu": [listener.url], "enc": criteria, "nct": 1}
        created = await hurrying(city.clock, city.client.create(path, 23, {"m2m:sub": subscription}), 0.01)
        assert created.rsc == 2001, created
        identifier = city.sent()[0].request.request_identifier
        for number in range(3):
            city.network.answer(identifier, f"Cm{number}")
            await hurrying(city.clock, eventually(lambda: city.report(path), partial(_has_answers, number + 1)))
        await city.over(path)
        seen = [
            notification.content["m2m:sgn"]["nev"]["rep"]["cse:campaign"]
            for notification in await hurrying(city.clock, listener.wait(3), 0.01)
            if "nev" in notification.content["m2m:sgn"]
        ]
        assert all(map(adds_up, seen))
        assert [report["answered"] for report in seen] == sorted(report["answered"] for report in seen)
        assert [report["state"] for report in seen].count("finished") == 1
        assert seen[-1]["state"] == "finished"
