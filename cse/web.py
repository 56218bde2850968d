"""The web server in front of the application: uvicorn, with TLS as the settings say."""

import ipaddress
import logging
import os
import signal
import socket
import sys
from asyncio import get_running_loop
from contextlib import AsyncExitStack
from types import FrameType
from typing import Any

import click
import uvicorn

from cse import __version__
from cse.app import Server
from cse.config import ConfigurationError, ServerSettings
from cse.connection import connections
from cse.garbage import keep_short
from cse.security.tls import server_context
from cse.store.opening import without_password

log = logging.getLogger(__name__)

# Seconds from the signal to stop on.
FOR_REQUESTS, FOR_CONNECTIONS, FOR_EVERYTHING = 2, 3, 4.5

LOST = 75  # an exit code: a failure that passes (EX_TEMPFAIL)


def configuration(server: Server, **options: Any) -> uvicorn.Config:
    """How uvicorn serves this server; ConfigurationError for certificates that can't be used.

    What proxies say about the sender is not believed: anybody could say it.
    """
    settings = server.core.settings
    context = server_context(settings)
    if context is not None:
        options["ssl_context_factory"] = lambda *_: context
    return uvicorn.Config(
        server.asgi,
        interface="asgi3",
        http=connections(settings),
        limit_concurrency=settings.max_connections + 1,
        timeout_keep_alive=settings.keep_alive_timeout,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        **options,
    )


class WebServer(uvicorn.Server):
    """Starts and stops the CSE with itself; says where it is and how to try it, once it really answers."""

    def __init__(self, server: Server, *, is_worker: bool = False) -> None:
        self._is_worker = is_worker
        super().__init__(configuration(server, loop="uvloop", timeout_graceful_shutdown=FOR_CONNECTIONS))
        self._server = server
        self._running = AsyncExitStack()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self._running.enter_async_context(self._server.running())
        await super().startup(sockets=sockets)
        self._server.core.start(self._end_when_lost(), "end")
        self._server.core.start(keep_short(self._server.core.clock, lambda: self._server.fan_out.is_idle), "garbage")
        get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)
        if self._is_worker:
            get_running_loop().add_reader(sys.stdin, self._stop_alone)
        settings = self._server.core.settings
        address = f"{settings.url}/{settings.cse_name}"
        click.echo(f"cse {__version__} at {address}, resources in {without_password(settings.store)}")
        click.echo(f"try: {_example(settings, address)}")

    async def _end_when_lost(self) -> None:
        """At once and without ceremony: what has been acknowledged is durable, and the rest is no business of ours."""
        await self._server.conductor.lost.wait()
        log.critical("this process has lost its place in the database: it ends, another one does its work")
        os._exit(LOST)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Requests have a while to end; then they are answered, connections closed, and the store."""
        self._server.stopping.begin()
        get_running_loop().call_later(FOR_REQUESTS, self._server.stopping.end)
        get_running_loop().call_later(FOR_EVERYTHING, self._end_unfinished)
        await super().shutdown(sockets=sockets)
        await self._running.aclose()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal asks for an orderly end, the second for one at once."""
        if self.should_exit:
            os._exit(128 + sig)
        self.should_exit = True

    def _end_unfinished(self) -> None:
        """What was acknowledged is durable; what is under way goes on after the next start, as after a crash."""
        log.error("something did not stop in %g seconds: the server ends without it", FOR_EVERYTHING)
        os._exit(0)

    def _stop_alone(self) -> None:
        """Whoever has started this worker is gone."""
        get_running_loop().remove_reader(sys.stdin)
        self.should_exit = True

    def _reload(self) -> None:
        """On SIGHUP: a file that is wrong changes nothing."""
        try:
            self._server.load_credentials()
        except ConfigurationError as error:
            log.error("%s; those read before still hold", error)


def _example(settings: ServerSettings, address: str) -> str:
    options = ["-H 'Authorization: Bearer TOKEN'"] if settings.credentials else []
    options += [f"-H 'X-M2M-Origin: {settings.admin_originator}'", "-H 'X-M2M-RI: 1'", "-H 'X-M2M-RVI: 3'"]
    return " ".join(["curl", *options, address])


def listen(settings: ServerSettings, *, insecure: bool) -> socket.socket:
    """A socket that listens where the settings say; ConfigurationError if it can't, or if anybody might use it."""
    host, port = settings.host, settings.port
    if not (_is_loopback(host) or settings.credentials or insecure):
        raise ConfigurationError(
            f"host {host} can be reached by others, and anybody may claim any X-M2M-Origin: set credentials,"
            " or add --insecure to allow it"
        )
    if not 0 <= port <= 65535:
        raise ConfigurationError(f"port in [server] must be between 0 and 65535, not {port}")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise ConfigurationError(
            f"can't listen on {host} port {port}: {error.strerror}; choose another --port"
        ) from error
    if not (_is_loopback(host) or settings.certificate):
        log.warning("host %s can be reached by others, and requests travel unencrypted: set a certificate", host)
    return listener


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
