"""An operator's SCEF with its mobile network: it allocates TMGIs, multicasts what it is given, and says so."""

import asyncio
import socket
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web

from cse.coap.target import Endpoint
from cse.timing import Clock, SystemClock

PATH = "/t8/3gpp-group-message-delivery-mb2/v1/{scs}/tmgi-allocation"
TOKEN = "an-operator's-token"
SOURCE = "127.0.10.200"  # where its multicast comes from


class Call(NamedTuple):
    """One request: method, the last part of its path, its content."""

    method: str
    what: str
    content: dict[str, Any]


@dataclass
class FakeScef:
    """`async with FakeScef() as scef:`. A call in `trouble` is answered with that HTTP status instead.

    `bearers` say where the group of a TMGI is multicast to; where there is none, nobody hears it. It says `triggers`
    of each delivery, or nothing while it is `silent`; while it `hangs` it answers nothing at all. A TMGI lives
    `lifetime` seconds. `hears` is given every payload that goes out.
    """

    clock: Clock = field(default_factory=SystemClock)
    lifetime: float = 3600.0
    triggers: Any = True
    silent: bool = False
    hangs: bool = False
    hears: Callable[[bytes], object] = lambda payload: None
    bearers: Callable[[str], Endpoint | None] = lambda tmgi: None
    trouble: dict[str, int] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    tmgis: dict[str, str] = field(default_factory=dict)
    told: list[int] = field(default_factory=list)
    url: str = ""
    _count: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> "FakeScef":
        application = web.Application()
        application.router.add_post(PATH, self._allocate)
        application.router.add_put(PATH + "/{tmgi}", self._renew)
        application.router.add_delete(PATH + "/{tmgi}", self._release)
        application.router.add_post(PATH + "/{tmgi}/delivery-via-mbms", self._deliver)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._session = aiohttp.ClientSession()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/t8"
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._tasks)
        await self._session.close()
        await self._runner.cleanup()

    @property
    def settings(self) -> dict[str, Any]:
        """What a server needs to use it."""
        return {"api_root": self.url, "scs_as_id": "city", "token": TOKEN}

    def methods(self) -> list[str]:
        return [call.method for call in self.calls]

    async def _allocate(self, request: web.Request) -> web.Response:
        self._count += 1
        tmgi = f"tmgi/{self._count}"
        content = await self._heard(request, "allocation")
        self.tmgis[tmgi] = content["externalGroupId"]
        return self._answer("allocation", 201, {**content, "tmgi": tmgi, **self._expiration()})

    async def _renew(self, request: web.Request) -> web.Response:
        content = await self._heard(request, "renewal")
        self._known(request)
        return self._answer("renewal", 200, {**content, **self._expiration()})

    async def _release(self, request: web.Request) -> web.Response:
        await self._heard(request, "release")
        del self.tmgis[self._known(request)]
        return web.Response(status=204)

    async def _deliver(self, request: web.Request) -> web.Response:
        content = await self._heard(request, "delivery")
        tmgi = self._known(request)
        if self.triggers is True:
            payload = b64decode(content["groupMessagePayload"], validate=True)
            self.payloads.append(payload)
            self.hears(payload)
            if (bearer := self.bearers(tmgi)) is not None:
                multicast(payload, bearer)
        if not self.silent:
            task = asyncio.create_task(self._tell(content["notificationDestination"], str(request.url) + "/1"))
            self._tasks.add(task)
        return self._answer("delivery", 201, content)

    async def _heard(self, request: web.Request, what: str) -> dict[str, Any]:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert request.match_info["scs"] == "city"
        content = await request.json() if request.can_read_body else {}
        self.calls.append(Call(request.method, what, content))
        if self.hangs:
            await asyncio.Event().wait()
        if what in self.trouble:
            raise _Trouble(self.trouble[what])
        return content

    def _known(self, request: web.Request) -> str:
        tmgi = request.match_info["tmgi"]
        if tmgi not in self.tmgis:
            raise web.HTTPNotFound
        return tmgi

    def _expiration(self) -> dict[str, str]:
        return {"tmgiExpiration": datetime.fromtimestamp(self.clock.now() + self.lifetime, UTC).isoformat()}

    def _answer(self, what: str, status: int, content: dict[str, Any]) -> web.Response:
        if what in self.bodies:
            return web.Response(status=status, body=self.bodies[what])
        return web.json_response(content, status=status)

    async def _tell(self, url: str, transaction: str) -> None:
        said = {"transaction": transaction, "deliveryTriggerStatus": self.triggers}
        with suppress(aiohttp.ClientConnectionError):
            async with self._session.post(url, json=said) as response:
                self.told.append(response.status)


class _Trouble(web.HTTPException):
    def __init__(self, status: int) -> None:
        self.status_code = status
        super().__init__()


def multicast(payload: bytes, bearer: Endpoint) -> None:
    """As the mobile network does on the air."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((SOURCE, 0))
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(SOURCE))
        sender.sendto(payload, bearer)
