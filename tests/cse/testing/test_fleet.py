import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest
from aiohttp import web

from cse.testing.clock import ManualClock, settle
from cse.testing.fleet import Fleet, RegistrationFailed, Schedule
from cse.testing.meters import build_devices


class FakeCSE:
    """Creates what is posted, answers 4105 for a name that exists, and remembers everything."""

    def __init__(self) -> None:
        self.resources: dict[str, dict] = {}
        self.headers: list[dict[str, str]] = []
        self.readings: list[tuple[str, dict]] = []
        self.refusal = 0
        self.port = 0

    async def start(self) -> None:
        application = web.Application()
        application.router.add_route("POST", "/{path:.*}", self.create)
        application.router.add_route("PUT", "/{path:.*}", self.update)
        self._runner = web.AppRunner(application, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def create(self, request: web.Request) -> web.Response:
        self.headers.append(dict(request.headers))
        (attributes,) = orjson.loads(await request.read()).values()
        if self.refusal:
            return web.Response(headers={"X-M2M-RSC": str(self.refusal)}, body=b'{"m2m:dbg": "not you"}')
        if request.headers["Content-Type"].endswith("ty=4"):
            self.readings.append((request.path, orjson.loads(attributes["con"])))
            return web.Response(status=201, headers={"X-M2M-RSC": "2001"})
        path = f"{request.path}/{attributes['rn']}"
        known = path in self.resources
        self.resources.setdefault(path, attributes)
        return web.Response(headers={"X-M2M-RSC": "4105" if known else "2001"})

    async def update(self, request: web.Request) -> web.Response:
        (attributes,) = orjson.loads(await request.read()).values()
        self.resources[request.path].update(attributes)
        return web.Response(headers={"X-M2M-RSC": "2004"})


@pytest.fixture
async def server() -> AsyncIterator[FakeCSE]:
    server = FakeCSE()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def fleet(server: FakeCSE, clock: ManualClock) -> Fleet:
    devices = build_devices("Cudp", 20, seed=7)
    return Fleet(f"http://127.0.0.1:{server.port}", devices, lambda device: [f"udp://{device.id}"], clock=clock)


@pytest.fixture
async def reporting(fleet: Fleet) -> AsyncIterator[None]:
    task = asyncio.create_task(fleet.report())
    await settle()
    yield
    task.cancel()
    await asyncio.wait([task])


async def reach(server: FakeCSE, count: int) -> None:
    while len(server.readings) < count:
        await settle()


async def test_every_device_becomes_an_ae_with_a_container(server: FakeCSE, fleet: Fleet) -> None:
    fleet.labels, fleet.access_control_policies = ["meter"], ["cse-in/acp"]
    await fleet.register()
    assert server.resources["/cse-in/udp0020"] == {
        "rn": "udp0020",
        "api": "N.example.meter",
        "rr": True,
        "srv": ["3"],
        "poa": ["udp://Cudp0020"],
        "acpi": ["cse-in/acp"],
        "lbl": ["meter"],
    }
    assert server.resources["/cse-in/udp0001/readings"]["mni"] == 100
    assert len(server.resources) == 40
    entity = next(header for header in server.headers if header["X-M2M-Origin"] == "Cudp0001")
    assert entity["Content-Type"] == "application/json;ty=2"
    assert entity["X-M2M-RVI"] == "3"


async def test_a_device_that_exists_gets_its_new_point_of_access(server: FakeCSE, fleet: Fleet) -> None:
    await fleet.register()
    fleet.points_of_access = lambda device: ["udp://moved"]
    await fleet.register()
    assert server.resources["/cse-in/udp0003"]["poa"] == ["udp://moved"]


async def test_a_refused_registration_says_why(server: FakeCSE, fleet: Fleet) -> None:
    server.refusal = 4103
    with pytest.raises(RegistrationFailed, match=r"Cudp00\d\d was refused with 4103: .*not you"):
        await fleet.register()


@pytest.mark.usefixtures("reporting")
async def test_each_device_reports_once_per_interval(server: FakeCSE, fleet: Fleet, clock: ManualClock) -> None:
    await clock.advance(1800)
    await settle()
    early = len(server.readings)
    assert 0 < early < 20
    await clock.advance(1800)
    await reach(server, 20)
    assert {path for path, _ in server.readings} == {f"/cse-in/udp{number:04d}/readings" for number in range(1, 21)}
    assert server.readings[0][1]["interval"] == 3600
    await clock.advance(3600)
    await reach(server, 40)
    await settle()
    assert len(server.readings) == fleet.reported == 40
    assert server.readings[20][1]["wh"] > server.readings[0][1]["wh"]


@pytest.mark.usefixtures("reporting")
async def test_a_changed_interval_counts_at_once(server: FakeCSE, fleet: Fleet, clock: ManualClock) -> None:
    changed = fleet.devices[4]
    changed.interval = 60.0
    changed.configured(60.0)
    await clock.advance(180)
    await reach(server, 3)
    paths = [path for path, _ in server.readings]
    assert paths.count("/cse-in/udp0005/readings") == 3


async def test_an_hour_may_last_seconds(server: FakeCSE, fleet: Fleet, clock: ManualClock) -> None:
    fleet.hour = 10.0
    task = asyncio.create_task(fleet.report())
    await clock.advance(10)
    await reach(server, 20)
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.usefixtures("reporting")
async def test_a_server_that_is_restarted_is_tried_again(server: FakeCSE, fleet: Fleet, clock: ManualClock) -> None:
    await server.stop()
    first = fleet.devices[0]
    first.interval = 1.0
    first.configured(1.0)
    await clock.advance(5)
    assert server.readings == []
    await server.start()
    while len(server.readings) < 5:
        await clock.advance(1)
    assert fleet.refused == 0


@pytest.mark.usefixtures("reporting")
async def test_a_refused_reading_is_counted(server: FakeCSE, fleet: Fleet, clock: ManualClock) -> None:
    server.refusal = 4004
    await clock.advance(3600)
    while fleet.refused < 20:
        await settle()
    assert fleet.reported == 0


def test_after_a_standstill_a_device_reports_once() -> None:
    (device,) = build_devices("Cudp", 1, interval=60)
    schedule = Schedule([device], hour=3600)
    schedule.restart(device, 0)
    phase = schedule.next_due()
    assert schedule.take(10_000) is device
    assert schedule.take(10_000) is None
    assert (schedule.next_due() - phase) % 60 == pytest.approx(0)


def test_reports_are_spread_over_the_interval() -> None:
    devices = build_devices("Cudp", 1000)
    schedule = Schedule(devices, hour=3600)
    for device in devices:
        schedule.restart(device, 0)
    due = sum(1 for _ in iter(lambda: schedule.take(900), None))
    assert 200 < due < 300


def test_an_empty_schedule_has_nothing_due() -> None:
    assert Schedule([], hour=3600).take(1e12) is None
