"""Simulated meters that are reached over HTTP: `cse meters http`."""

import asyncio
import random
from collections.abc import Collection, Sequence
from typing import NamedTuple

import aiohttp
import click
import orjson
from aiohttp import web

from cse.errors import HTTP_STATUS_BY_RESPONSE_STATUS_CODE
from cse.primitive import Content, Response
from cse.testing.device import SimulatedDevice
from cse.testing.fleet import proof
from cse.testing.meters import PROBABILITY, MeterOptions, meter_options, operate
from cse.timing import Clock, SystemClock

ACCEPTED_FOR_LATER = 1002
LATE_SECONDS = 1.0
POSTERS = 8
BACKLOG = 1024
RUBBISH = b"\xff\x00 rubbish"


class LateAnswer(NamedTuple):
    """An answer that goes to the CSE as a notification, not before `due` (seconds of the clock)."""

    due: float
    device: SimulatedDevice
    request_identifier: str
    response: Response


class HttpMeters:
    """One HTTP server at `host` with a path per meter. A lost message is a connection closed without an answer.

    The devices in `late` only acknowledge a request and post their answer to the CSEBase at `cse_base`; so do all
    devices with the extra copies of an answer.
    """

    def __init__(
        self,
        devices: Sequence[SimulatedDevice],
        cse_base: str,
        *,
        late: Collection[str] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        token: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._devices = {device.id: device for device in devices}
        self._cse_base = cse_base
        self._late = frozenset(late)
        self._host, self._port = host, port
        self._proof = proof(token)
        self._clock = clock or SystemClock()
        self._answers: asyncio.Queue[LateAnswer] = asyncio.Queue()

    async def start(self) -> None:
        """Listen, on a free port if none was given."""
        application = web.Application()
        application.router.add_post("/{id}", self._receive)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port, backlog=BACKLOG).start()
        self._port = self._runner.addresses[0][1]
        connector = aiohttp.TCPConnector(limit=POSTERS)
        self._session = aiohttp.ClientSession(connector=connector, headers=self._proof)
        self._posters = [asyncio.create_task(self._post_late_answers()) for _ in range(POSTERS)]

    async def stop(self) -> None:
        """Close the port; answers that have not been posted are lost."""
        for poster in self._posters:
            poster.cancel()
        await asyncio.gather(*self._posters, return_exceptions=True)
        await self._session.close()
        await self._runner.cleanup()

    def url(self, device: SimulatedDevice) -> str:
        """The point of access of a device."""
        return f"http://{self._host}:{self._port}/{device.id}"

    async def _receive(self, request: web.Request) -> web.Response:
        device = self._devices.get(request.match_info["id"])
        if device is None:
            return web.Response(status=404)
        content = _content(await request.read())
        identifier = request.headers.get("X-M2M-RI", "")
        if not device.hears():
            return _hang_up(request)
        answer = device.receive(identifier, request.headers.get("X-M2M-OT", ""), content)
        if answer is None:
            return _hang_up(request)
        late = device.id in self._late
        for _ in range(device.faults.duplicates + late):
            self._answers.put_nowait(LateAnswer(self._clock.now() + LATE_SECONDS, device, identifier, answer))
        if late:
            return self._response(device, identifier, Response(ACCEPTED_FOR_LATER))
        if not device.sends():
            return _hang_up(request)
        return self._response(device, identifier, answer)

    def _response(self, device: SimulatedDevice, identifier: str, answer: Response) -> web.Response:
        headers = {
            "X-M2M-Origin": self._stated_name(device),
            "X-M2M-RI": identifier,
            "X-M2M-RSC": str(answer.status_code),
            "X-M2M-RVI": "3",
            "Content-Type": "application/json",
        }
        body = b"" if answer.content is None else orjson.dumps(answer.content)
        if device.random.random() < device.faults.rubbish:
            body = RUBBISH
        return web.Response(status=HTTP_STATUS_BY_RESPONSE_STATUS_CODE[answer.status_code], headers=headers, body=body)

    def _stated_name(self, device: SimulatedDevice) -> str:
        if device.random.random() < device.faults.lies:
            return device.random.choice([other for other in self._devices if other != device.id] or [device.id + "x"])
        return device.id

    async def _post_late_answers(self) -> None:
        while True:
            answer = await self._answers.get()
            await self._clock.sleep(answer.due - self._clock.now())
            if answer.device.sends():
                await self._post(answer)

    async def _post(self, answer: LateAnswer) -> None:
        response: Content = {"rsc": answer.response.status_code, "rqi": answer.request_identifier, "rvi": "3"}
        if answer.response.content is not None:
            response["pc"] = answer.response.content
        headers = {
            "X-M2M-Origin": self._stated_name(answer.device),
            "X-M2M-RI": f"{answer.device.id}-{answer.request_identifier}",
            "X-M2M-RVI": "3",
            "Content-Type": "application/json",
        }
        body = orjson.dumps({"m2m:rsp": response})
        try:
            async with self._session.post(self._cse_base, data=body, headers=headers):
                pass
        except (aiohttp.ClientError, OSError):
            # Whoever still waits for this answer asks again.
            return


def _content(body: bytes) -> Content:
    try:
        return orjson.loads(body)
    except ValueError:
        return None


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


@click.command("http")
@meter_options
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="TCP port to listen on; 0 picks a free one")
@click.option("--late", type=PROBABILITY, default=0.0, show_default=True, help="share of meters that answer later")
def http_meters(options: MeterOptions, port: int, late: float) -> None:
    """Meters that are reached over HTTP."""
    asyncio.run(run_meters(options, port, late))


async def run_meters(options: MeterOptions, port: int, late: float) -> None:
    """Register the meters and let them work until cancelled; `late` is the share of those that answer later."""
    devices = options.devices("Chttp")
    late_ones = random.Random(options.seed).sample(devices, round(late * len(devices)))  # noqa: S311 - a simulation
    base = f"{options.cse.rstrip('/')}/{options.cse_name}"
    meters = HttpMeters(devices, base, late=[device.id for device in late_ones], port=port, token=options.token)
    await meters.start()
    try:
        await operate(options.fleet(devices, lambda device: [meters.url(device)]))
    finally:
        await meters.stop()
