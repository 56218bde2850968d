"""What tests of the whole server need: the server itself on a real socket, a client, and somebody to be notified.

`async with serving() as cse:` runs a server in this process; `cse.client.create(...)` and its like send requests over
HTTP. A `Listener` is a web server that remembers what it was sent and answers as it is told.
"""

import asyncio
import io
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import aiohttp
import cbor2
import pluggy
import uvicorn
import xmltodict
from aiohttp import web
from yarl import URL

from cse.app import Server
from cse.config import Settings
from cse.network import Network
from cse.store import Search
from cse.testing.clock import ManualClock
from cse.timing import Clock
from cse.web import configuration
from cse.work import Work

ADMIN = "CAdmin"
SERVER_STATUS = {4001, 4008, 5001}  # codes that TS-0009 maps to an HTTP status of 500 or more
PATIENCE = 20.0  # seconds of real time after which something that should happen has not happened

T = TypeVar("T")


class Answer(NamedTuple):
    """What came back: HTTP status, response status code (0 if there is none), decoded body (None if empty), headers."""

    status: int
    rsc: int
    content: Any
    headers: Any

    @property
    def resource(self) -> dict[str, Any]:
        """The attributes of the one resource in the content."""
        (attributes,) = self.content.values()
        assert isinstance(attributes, dict), self
        return attributes

    @property
    def debug(self) -> str:
        """The sentence that explains an error."""
        sentence = self.content["m2m:dbg"]
        assert isinstance(sentence, str)
        return sentence


class Client:
    """Sends requests as any originator. Every path is sent as it stands, percent-encoded where it must be.

    Headers are keyword arguments with `_` for `-` (`X_M2M_RTU="..."`); None leaves one of the usual headers out.
    `content` is sent as JSON, bytes as they are, None as no body.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.url = url
        self._session = session
        self._count = 0

    async def request(
        self,
        method: str,
        path: str,
        originator: str | None = ADMIN,
        *,
        ty: int | None = None,
        content: Any = None,
        **headers: Any,
    ) -> Answer:
        """One request and its answer; `path` starts with a slash."""
        self._count += 1
        given = {"X-M2M-Origin": originator, "X-M2M-RI": f"r{self._count}", "X-M2M-RVI": "3"}
        if content is not None:
            given["Content-Type"] = "application/json" + ("" if ty is None else f";ty={ty}")
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in given.items() if value is not None}
        body = content if content is None or isinstance(content, bytes) else json.dumps(content).encode()
        data = None if body is None else io.BytesIO(body)
        url = URL(self.url + path, encoded=True)
        async with self._session.request(method, url, data=data, headers=sent) as response:
            answer = await response.read()
            rsc = int(response.headers.get("X-M2M-RSC", "0"))
            content = _content(response.content_type, answer) if answer else None
            return Answer(response.status, rsc, content, response.headers)

    async def create(self, path: str, ty: int, content: Any, originator: str | None = ADMIN, **headers: Any) -> Answer:
        """CREATE; `content` is the resource below its root."""
        return await self.request("POST", path, originator, ty=ty, content=content, **headers)

    async def get(self, path: str, originator: str | None = ADMIN, **headers: Any) -> Answer:
        """RETRIEVE."""
        return await self.request("GET", path, originator, **headers)

    async def update(self, path: str, content: Any, originator: str | None = ADMIN, **headers: Any) -> Answer:
        """UPDATE."""
        return await self.request("PUT", path, originator, content=content, **headers)

    async def delete(self, path: str, originator: str | None = ADMIN, **headers: Any) -> Answer:
        """DELETE."""
        return await self.request("DELETE", path, originator, **headers)

    async def register(self, name: str, *poa: str, originator: str | None = None, **attributes: Any) -> Answer:
        """Register an AE below the CSEBase: `Cname` is its AE-ID unless another originator is given."""
        content = {"rn": name, "api": "N.test", "rr": True, "srv": ["3"], **({"poa": list(poa)} if poa else {})}
        return await self.create("/cse-in", 2, {"m2m:ae": content | attributes}, originator or f"C{name}")


@dataclass
class Running:
    """A server that runs. `client` is connected to it, `server` is the composed application."""

    server: Server
    client: Client
    port: int

    async def snapshot(self) -> tuple[Any, ...]:
        """Everything durable, to be compared with later: resources with their lists, and effects."""

        def unit(work: Work) -> tuple[Any, ...]:
            transaction = work.transaction
            base = transaction.resources.get(work.model.naming.base_identifier)
            assert base is not None
            resources = [base, *transaction.resources.search(Search(base.path))]
            lists = {resource.ri: transaction.lists.items(resource.ri) for resource in resources}
            campaigns = [campaign.id for campaign in transaction.campaigns.all()]
            return resources, lists, campaigns, transaction.effects.pending()

        return await self.server.core.read(unit)

    async def refuses(self, method: str, path: str, rsc: int, **request: Any) -> Answer:
        """Send a request that must fail with this code, say why, and change nothing; earlier effects may end."""
        *before, effects = await self.snapshot()
        answer = await self.client.request(method, path, **request)
        assert answer.rsc == rsc, answer
        assert answer.status < 500 or rsc in SERVER_STATUS
        assert len(answer.debug) > 10
        *after, left = await self.snapshot()
        assert after == before
        assert all(effect in effects for effect in left)
        return answer


@asynccontextmanager
async def serving(
    *,
    clock: Clock | None = None,
    networks: Iterable[Network] = (),
    manager: pluggy.PluginManager | None = None,
    settings: dict[str, dict[str, Any]] | None = None,
    tls: ssl.SSLContext | None = None,
    **server_settings: Any,
) -> AsyncIterator[Running]:
    """A server on a free port of 127.0.0.1 (or `host`, `port`), with every installed plugin and the given networks.

    Resources are in memory unless `store="sqlite:///..."` says otherwise (give `data_folder`, too). Keyword arguments
    are settings of the server's section, `settings` holds those of other sections by name. `tls` is the client's side.
    """
    # asyncio switches Nagle's algorithm off only where the protocol is stated: without, each POST takes 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((server_settings.get("host", "127.0.0.1"), server_settings.get("port", 0)))
        port = listener.getsockname()[1]
        values = {**(settings or {}), "server": {"store": "memory:", **server_settings, "port": port}}
        server = Server(Settings(values), manager=manager, clock=clock, networks=networks)
        async with AsyncExitStack() as held:
            await _start(server, listener, held)
            connector = aiohttp.TCPConnector(ssl=tls or True)
            session = await held.enter_async_context(aiohttp.ClientSession(connector=connector))
            yield Running(server, Client(session, server.core.settings.url), port)


async def _start(server: Server, listener: socket.socket, held: AsyncExitStack) -> None:
    """What `uvicorn.Server.serve` does, but it leaves signals alone and does not wait where nothing is under way."""
    options = configuration(server, timeout_graceful_shutdown=1)
    options.load()
    web_server = uvicorn.Server(options)
    web_server.lifespan = options.lifespan_class(options)
    await held.enter_async_context(server.running())
    await web_server.startup(sockets=[listener])
    held.push_async_callback(_stop, web_server, listener)


async def _stop(web_server: uvicorn.Server, listener: socket.socket) -> None:
    if web_server.server_state.tasks:
        await web_server.shutdown(sockets=[listener])
        return
    for asyncio_server in web_server.servers:
        asyncio_server.close()
    for connection in list(web_server.server_state.connections):
        connection.shutdown()


class Notification(NamedTuple):
    """What a listener was sent."""

    content: Any
    headers: Any
    path: str


@dataclass
class Listener:
    """A web server to be notified: `async with Listener() as listener:`.

    `url` is where it listens (give it as `poa` or `nu`), `received` what came, in order. It answers as an AE does, with
    `status_code` as X-M2M-RSC: set it to another (4101) to refuse, to None to answer as a plain web server. While
    `silent` is true it does not answer at all. `headers` are added to its answers. With `tls` its URL is one of https.
    It listens on the same `port` when it is entered again.
    """

    status_code: int | None = 2000
    silent: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    received: list[Notification] = field(default_factory=list)
    port: int = 0
    url: str = ""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> "Listener":
        application = web.Application()
        application.router.add_route("*", "/{tail:.*}", self._receive)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port, ssl_context=self.tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"{'https' if self.tls else 'http'}://{self.host}:{self.port}/inbox"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.silent = False
        await self._runner.cleanup()

    def answer_all(self) -> None:
        """Answer what has been kept waiting, and what comes from now on."""
        self.silent = False
        self._released.set()

    async def wait(self, count: int = 1) -> list[Notification]:
        """Return `received` once it has at least so many; TimeoutError if they do not come."""
        async with asyncio.timeout(PATIENCE):
            while len(self.received) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.received

    async def next(self) -> Any:
        """The content of the oldest notification, which is then forgotten; waits for it."""
        await self.wait(1)
        return self.received.pop(0).content

    async def _receive(self, http: web.Request) -> web.Response:
        body = await http.read()
        content = _content(http.content_type, body) if body else None
        self.received.append(Notification(content, http.headers, http.path_qs))
        self._changed.set()
        if self.silent:
            await self._released.wait()
        if self.status_code is None:
            return web.Response(text="<p>thank you</p>", content_type="text/html")
        headers = {"X-M2M-RSC": str(self.status_code), "X-M2M-RI": http.headers["X-M2M-RI"]}
        return web.Response(headers=headers | self.headers)


def _content(media_type: str, body: bytes) -> Any:
    return {"cbor": cbor2.loads, "xml": xmltodict.parse}.get(media_type[-4:].lstrip("/+"), json.loads)(body)


async def eventually(
    ask: Callable[[], Awaitable[T]], condition: Callable[[T], bool], patience: float = PATIENCE, pause: float = 0.01
) -> T:
    """Ask again and again, so many seconds apart, until the answer fulfils the condition, and return it."""
    async with asyncio.timeout(patience):
        while True:
            answer = await ask()
            if condition(answer):
                return answer
            await asyncio.sleep(pause)


async def hurrying(clock: ManualClock, work: Awaitable[T], step: float = 1.0) -> T:
    """The result of something that waits for the clock, which is moved on until it is there."""
    task = asyncio.ensure_future(work)
    async with asyncio.timeout(PATIENCE):
        while not task.done():
            await clock.advance(step)
    return task.result()
