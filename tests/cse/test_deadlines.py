"""Alarms wake resources at their moment, one by one, and expirations take them out at theirs."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cse import registry
from cse.config import ServerSettings
from cse.core import Core
from cse.deadlines import Deadlines
from cse.hookspecs import hookimpl
from cse.resource import ResourceType
from cse.store import Resource
from cse.store.opening import open_store
from cse.store.sqlite.resources import SQLiteResources
from cse.testing.clock import ManualClock, settle
from cse.timing import timestamp
from cse.work import Work


class Sleeper(ResourceType):
    """It writes down when it was woken, and fails at the alarm that says so."""

    number = 99
    name = "sleeper"
    short_name = "slp"
    attributes: dict[str, Any] = {}  # noqa: RUF012

    def alarm(self, work: Work, resource: Resource, name: str) -> None:
        resource.attributes["woken"] = [*resource.attributes.get("woken", []), [name, work.now]]
        work.transaction.resources.update(resource)
        if name == "fails":
            raise RuntimeError("as it was told to")


class Plugin:
    @hookimpl
    def register_resource_types(self) -> list[ResourceType]:
        return [Sleeper()]


@pytest.fixture
async def core(clock: ManualClock) -> AsyncIterator[Core]:
    store = open_store("memory:")
    await store.open()
    core = Core(registry.model(registry.load_only(Plugin()), ServerSettings()), store, clock, {})
    core.start(Deadlines(core).run(), "deadlines")
    yield core
    await core.stop_tasks()
    await store.close()


async def add(core: Core, name: str, *alarms: tuple[str, float], lives: float = 1e6) -> None:
    """A sleeper with alarms so many seconds from now, in a unit of its own."""

    def unit(work: Work) -> None:
        end = timestamp(work.now + lives)
        resource = Resource(f"cse/{name}", "Capp", {"ty": 99, "ri": name, "pi": "", "rn": name, "et": end})
        work.transaction.resources.insert(resource)
        work.ends(resource)
        for alarm, seconds in alarms:
            work.alarm(resource, alarm, work.now + seconds)

    await core.run(unit)


async def pass_time(core: Core, clock: ManualClock, seconds: int) -> None:
    """Second by second, so that the worker, whose units run in a thread, is ready for what comes next."""
    for _ in range(seconds):
        await clock.advance(1)
        await core.run(lambda work: None)  # behind the unit of the worker
        await settle()


async def woken(core: Core, clock: ManualClock, name: str) -> list[Any] | None:
    """The alarms that have rung and the seconds since the start; None if the resource is gone."""
    resource = await core.read(lambda work: work.transaction.resources.get(name))
    found = None if resource is None else resource.attributes.get("woken", [])
    return found and [(alarm, moment - 1_800_000_000.0) for alarm, moment in found]


async def test_each_rings_at_its_moment_in_order_of_time(core: Core, clock: ManualClock) -> None:
    await add(core, "a", ("late", 70.25), ("early", 1.5))
    await pass_time(core, clock, 10)
    await add(core, "b", ("soon", 2.0))  # earlier than what the worker waits for by now
    await pass_time(core, clock, 80)
    assert await woken(core, clock, "a") == [("early", 1.5), ("late", 70.25)]
    assert await woken(core, clock, "b") == [("soon", 12.0)]


async def test_one_that_was_moved_rings_once(core: Core, clock: ManualClock) -> None:
    await add(core, "a", ("batch", 5.0), ("batch", 9.0))
    await pass_time(core, clock, 20)
    assert await woken(core, clock, "a") == [("batch", 9.0)]


async def test_one_that_fails_leaves_nothing_and_does_not_come_again(
    core: Core, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    await add(core, "a", ("fails", 1.0), ("works", 2.0))
    await pass_time(core, clock, 20)
    assert await woken(core, clock, "a") == [("works", 2.0)]
    assert "alarm fails of a failed" in caplog.text


async def test_those_of_a_resource_that_has_ended_are_silent(core: Core, clock: ManualClock) -> None:
    await add(core, "a", ("batch", 5.0), lives=3)
    await add(core, "b", ("batch", 5.0))
    await pass_time(core, clock, 20)
    assert await woken(core, clock, "a") is None
    assert await woken(core, clock, "b") == [("batch", 5.0)]


async def test_more_than_one_round_can_do_are_all_done(core: Core, clock: ManualClock) -> None:
    for number in range(120):
        await add(core, f"a{number}", ("batch", 5.0), lives=10 + number % 2)
    await pass_time(core, clock, 7)
    rung = [await woken(core, clock, f"a{number}") or [] for number in range(120)]
    assert [[name for name, _ in alarms] for alarms in rung] == [["batch"]] * 120
    await pass_time(core, clock, 6)
    assert [await woken(core, clock, f"a{number}") for number in range(120)] == [None] * 120


async def test_what_somebody_else_has_in_hand_is_looked_for_again_after_a_pause(
    core: Core, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments: list[str] = []

    def in_other_hands(resources: SQLiteResources, now: str, limit: int) -> list[Resource]:
        moments.append(now[-9:])
        return []

    await add(core, "held", lives=3)
    with monkeypatch.context() as patch:
        patch.setattr(SQLiteResources, "expired", in_other_hands)
        await pass_time(core, clock, 5)
    assert [moment for moment in moments if moment >= "03,000000"] == ["03,000000", "04,000000", "05,000000"]
    await pass_time(core, clock, 1)
    assert await woken(core, clock, "held") is None
