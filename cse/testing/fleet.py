"""The oneM2M side of many simulated meters: they register as application entities and report readings, over HTTP."""

import asyncio
import heapq
import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import partial

import aiohttp
import orjson

from cse.errors import Conflict, OriginatorHasAlreadyRegistered
from cse.primitive import CREATED, UPDATED, Content
from cse.testing.device import SimulatedDevice
from cse.timing import Clock, SystemClock

APPLICATION_ENTITY, CONTAINER, CONTENT_INSTANCE = 2, 3, 4
EXISTS = (Conflict.status_code, OriginatorHasAlreadyRegistered.status_code)
READINGS = "readings"
KEPT_READINGS = 100
RETRY_PAUSE = 1.0
LONGEST_PAUSE = 3600.0
REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=30)


class RegistrationFailed(Exception):
    """The CSE refused to register a device; the message holds its response status code and its reason."""


class Schedule:
    """Which device reports next, in seconds of a clock; `hour` is how many of them an hour of the devices lasts."""

    def __init__(self, devices: Sequence[SimulatedDevice], hour: float) -> None:
        self._hour = hour
        self._devices = {device.id: device for device in devices}
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def restart(self, device: SimulatedDevice, now: float) -> None:
        """Place the next report within one period from now, at the device's own phase, so that reports are spread."""
        phase = random.Random(f"{device.seed}/{device.id}/phase").random()  # noqa: S311 - a simulation
        self._place(device, now + phase * self._period(device))

    def take(self, now: float) -> SimulatedDevice | None:
        """A device whose report is due, its next one placed a period later; None when none is due."""
        due = self.next_due()
        if due > now:
            return None
        device = self._devices[heapq.heappop(self._heap)[1]]
        period = self._period(device)
        # After a standstill a device reports once, not once for every report it has missed.
        self._place(device, due + period * ((now - due) // period + 1))
        return device

    def next_due(self) -> float:
        """When the next report is due."""
        while self._heap and self._due[self._heap[0][1]] != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else float("inf")

    def _period(self, device: SimulatedDevice) -> float:
        return device.interval * self._hour / 3600

    def _place(self, device: SimulatedDevice, due: float) -> None:
        self._due[device.id] = due
        heapq.heappush(self._heap, (due, device.id))


def proof(token: str) -> dict[str, str]:
    """The header that proves a bearer token; none without one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


@dataclass
class Fleet:
    """Registers devices at a CSE and posts their readings. `hour` is how many real seconds an hour of theirs lasts.

    `points_of_access` gives the `poa` of a device; `token` is shown to a CSE that wants credentials. At most `parallel`
    requests are under way. A CSE that cannot be reached is tried again until it can. `reported` and `refused` count the
    readings that the CSE took and did not.
    """

    base_url: str
    devices: Sequence[SimulatedDevice]
    points_of_access: Callable[[SimulatedDevice], list[str]]
    _: KW_ONLY
    cse_name: str = "cse-in"
    token: str = ""
    access_control_policies: Sequence[str] = ()
    labels: Sequence[str] = ()
    hour: float = 3600.0
    parallel: int = 8
    clock: Clock = field(default_factory=SystemClock)
    reported: int = 0
    refused: int = 0

    async def register(self) -> None:
        """Make an AE with a container `readings` for every device; an AE that exists gets its new `poa`.

        RegistrationFailed when the CSE refuses.
        """
        remaining = iter(self.devices)
        try:
            async with self._session() as session, asyncio.TaskGroup() as workers:
                for _ in range(self.parallel):
                    workers.create_task(self._register_all(session, remaining))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def report(self) -> None:
        """Post a reading of each device once per interval, until cancelled. A changed interval counts at once."""
        schedule, changed = Schedule(self.devices, self.hour), asyncio.Event()
        for device in self.devices:
            schedule.restart(device, self.clock.now())
            device.configured = partial(self._reconfigured, schedule, changed, device)
        due: asyncio.Queue[SimulatedDevice] = asyncio.Queue(self.parallel)
        async with self._session() as session, asyncio.TaskGroup() as workers:
            for _ in range(self.parallel):
                workers.create_task(self._post_readings(session, due))
            while True:
                changed.clear()
                while next_device := schedule.take(self.clock.now()):
                    await due.put(next_device)
                pause = min(schedule.next_due() - self.clock.now(), LONGEST_PAUSE)
                await self.clock.within(pause, changed.wait())

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=self.parallel)
        return aiohttp.ClientSession(connector=connector, timeout=REQUEST_TIMEOUT, headers=proof(self.token))

    def _reconfigured(self, schedule: Schedule, changed: asyncio.Event, device: SimulatedDevice, _: float) -> None:
        schedule.restart(device, self.clock.now())
        changed.set()

    async def _register_all(self, session: aiohttp.ClientSession, remaining: Iterator[SimulatedDevice]) -> None:
        for device in remaining:
            await self._register(session, device)

    async def _register(self, session: aiohttp.ClientSession, device: SimulatedDevice) -> None:
        entity = self._entity(device)
        code, answer = await self._create(session, device, "", APPLICATION_ENTITY, {"m2m:ae": entity})
        if code in EXISTS:
            path = "/" + entity_name(device)
            code, answer = await self._send(session, "PUT", device, path, {"m2m:ae": {"poa": entity["poa"]}})
        if code in (CREATED, UPDATED):
            container = {"m2m:cnt": {"rn": READINGS, "mni": KEPT_READINGS}}
            code, answer = await self._create(session, device, "/" + entity_name(device), CONTAINER, container)
        if code != CREATED and code not in EXISTS:
            raise RegistrationFailed(f"{device.id} was refused with {code}: {answer[:300].decode(errors='replace')}")

    def _entity(self, device: SimulatedDevice) -> dict[str, Content]:
        entity: dict[str, Content] = {"rn": entity_name(device), "api": "N.example.meter", "rr": True, "srv": ["3"]}
        entity["poa"] = self.points_of_access(device)
        if self.access_control_policies:
            entity["acpi"] = list(self.access_control_policies)
        if self.labels:
            entity["lbl"] = list(self.labels)
        return entity

    async def _post_readings(self, session: aiohttp.ClientSession, due: asyncio.Queue[SimulatedDevice]) -> None:
        while True:
            device = await due.get()
            path, reading = f"/{entity_name(device)}/{READINGS}", orjson.dumps(self._reading(device)).decode()
            content = {"m2m:cin": {"cnf": "application/json:0", "con": reading}}
            code, _ = await self._create(session, device, path, CONTENT_INSTANCE, content)
            self.reported += code == CREATED
            self.refused += code != CREATED

    def _reading(self, device: SimulatedDevice) -> dict[str, float]:
        """What the meter shows: energy in watt hours, at 200 to 799 W all the time, and its interval in seconds."""
        power = 200 + random.Random(f"{device.seed}/{device.id}/power").randrange(600)  # noqa: S311 - a simulation
        return {"wh": round(power * self.clock.now() / self.hour), "interval": device.interval}

    async def _create(
        self, session: aiohttp.ClientSession, device: SimulatedDevice, path: str, resource_type: int, content: Content
    ) -> tuple[int, bytes]:
        return await self._send(session, "POST", device, path, content, f";ty={resource_type}")

    async def _send(
        self,
        session: aiohttp.ClientSession,
        method: str,
        device: SimulatedDevice,
        path: str,
        content: Content,
        parameter: str = "",
    ) -> tuple[int, bytes]:
        """The response status code and body; sent again until somebody answers who speaks oneM2M."""
        url = f"{self.base_url.rstrip('/')}/{self.cse_name}{path}"
        headers = {
            "X-M2M-Origin": device.id,
            "X-M2M-RI": uuid.uuid4().hex,
            "X-M2M-RVI": "3",
            "Content-Type": "application/json" + parameter,
        }
        while True:
            try:
                async with session.request(method, url, data=orjson.dumps(content), headers=headers) as response:
                    return int(response.headers["X-M2M-RSC"]), await response.read()
            except (aiohttp.ClientError, OSError, TimeoutError, KeyError, ValueError):
                await self.clock.sleep(RETRY_PAUSE)


def entity_name(device: SimulatedDevice) -> str:
    """The resource name of a device's AE: its AE-ID without the leading C."""
    return device.id.removeprefix("C")
