"""What the SCEF says of deliveries, at a web server of its own: whether they have been triggered."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from aiohttp import web

MOST = 4096  # bytes of a notification


class Callbacks:
    """Every delivery has a URL of its own that nobody else can guess, so nobody else can say what became of it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.strays = 0
        self._waiting: dict[str, asyncio.Future[bool]] = {}
        application = web.Application(client_max_size=MOST)
        application.router.add_post("/{secret}", self._receive)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)

    async def start(self, host: str, port: int) -> None:
        """Listen; `url` is where, if nothing else is announced."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        where = f"[{host}]" if ":" in host else host
        self.url = self.url or f"http://{where}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    @contextmanager
    def expected(self) -> Iterator[tuple[str, "asyncio.Future[bool]"]]:
        """A URL, and what will be said there: deliveryTriggerStatus."""
        secret = secrets.token_urlsafe(24)
        future = self._waiting[secret] = asyncio.get_running_loop().create_future()
        try:
            yield f"{self.url.rstrip('/')}/{secret}", future
        finally:
            del self._waiting[secret]
            future.cancel()

    async def _receive(self, request: web.Request) -> web.Response:
        future = self._waiting.get(request.match_info["secret"])
        if future is None:
            self.strays += 1
            raise web.HTTPNotFound
        status = _status(await request.read())
        if status is None:
            raise web.HTTPBadRequest(text="deliveryTriggerStatus must be true or false")
        if not future.done():
            future.set_result(status)
        return web.Response(status=204)


def _status(body: bytes) -> bool | None:
    try:
        said = orjson.loads(body)
    except ValueError:
        return None
    status = said.get("deliveryTriggerStatus") if isinstance(said, dict) else None
    return status if isinstance(status, bool) else None
