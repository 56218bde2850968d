"""The command line: serve, plan, plugins, settings, and what plugins add."""

import ipaddress
import json
import logging
import os
import socket
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

import click
import uvicorn
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cse import __version__, registry
from cse.app import Server
from cse.config import ConfigurationError, Settings, describe
from cse.plan_table import plan_tables

SWITCH_INTERVAL = 0.0005  # seconds: a commit must not wait for a busy event loop to give up the interpreter


@click.group()
@click.version_option(__version__, prog_name="cse")
def commands() -> None:
    """A oneM2M CSE whose group fan-out uses the right network."""


@commands.command()
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="settings file (TOML)")
@click.option("--host", help="address to listen on (127.0.0.1)")
@click.option("--port", type=int, help="TCP port to listen on (8080); 0 picks a free one")
@click.option("--store", help="sqlite:///PATH or memory:")
@click.option("--data", "data_folder", help="folder for the store and for what networks must remember (cse-data)")
@click.option("--set", "assignments", multiple=True, metavar="SECTION.KEY=VALUE", help="any setting; see cse settings")
@click.option("--insecure", is_flag=True, help="allow an address that others can reach, without credentials")
@click.option("--log-level", default="warning", type=click.Choice(["debug", "info", "warning", "error"]))
def serve(assignments: tuple[str, ...], config: Path | None, insecure: bool, log_level: str, **options: Any) -> None:
    """Run the server."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        overrides = _overrides(assignments, options)
        listener = _listen(Settings.load(config, os.environ, overrides), insecure=insecure)
        overrides["server"]["port"] = listener.getsockname()[1]
        server = Server(Settings.load(config, os.environ, overrides))
        with suppress(KeyboardInterrupt):
            _WebServer(server).run(sockets=[listener])
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error


class _WebServer(uvicorn.Server):
    """Starts and stops the CSE with itself; says where it is and how to try it, once it really answers."""

    def __init__(self, server: Server) -> None:
        options: dict[str, Any] = {"log_config": None, "access_log": False, "lifespan": "off", "ws": "none"}
        super().__init__(uvicorn.Config(server.asgi, loop="uvloop", timeout_graceful_shutdown=5, **options))
        self._server = server
        self._running = AsyncExitStack()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self._running.enter_async_context(self._server.running())
        await super().startup(sockets=sockets)
        settings = self._server.core.settings
        address = f"{settings.url}/{settings.cse_name}"
        click.echo(f"cse {__version__} at {address}, resources in {settings.store}")
        click.echo(
            f"try: curl -H 'X-M2M-Origin: {settings.admin_originator}' -H 'X-M2M-RI: 1' -H 'X-M2M-RVI: 3' {address}"
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets=sockets)
        await self._running.aclose()


def _overrides(assignments: tuple[str, ...], options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {}
    for assignment in assignments:
        name, separator, value = assignment.partition("=")
        section, _, key = name.partition(".")
        if not separator or not key:
            raise ConfigurationError(f"--set {assignment}: write SECTION.KEY=VALUE")
        values.setdefault(section, {})[key.replace("-", "_")] = value
    given = {key: value for key, value in options.items() if value is not None}
    if "data_folder" in given and "store" not in given:
        given["store"] = f"sqlite:///{given['data_folder']}/cse.sqlite"
    values.setdefault("server", {}).update(given)
    return values


def _listen(settings: Settings, *, insecure: bool) -> socket.socket:
    host, port = settings.server.host, settings.server.port
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    if not is_loopback and not insecure:
        raise ConfigurationError(
            f"host {host} can be reached by others, and anybody may claim any X-M2M-Origin: add --insecure to allow it"
        )
    if not 0 <= port <= 65535:
        raise ConfigurationError(f"port in [server] must be between 0 and 65535, not {port}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise ConfigurationError(
            f"can't listen on {host} port {port}: {error.strerror}; choose another --port"
        ) from error
    return listener


@commands.command()
@click.argument("group")
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="where the server is")
@click.option("--admin", default="CAdmin", show_default=True, help="the administrator's originator")
@click.option("--originator", help="plan for a request by this originator")
@click.option("--content", help="the primitive content of the request, as JSON (a small device request)")
@click.option("--json", "as_json", is_flag=True, help="print the plan as JSON")
def plan(group: str, url: str, admin: str, originator: str | None, content: str | None, as_json: bool) -> None:
    """Show which network would carry a device request to which members of GROUP, without sending."""
    question: dict[str, Any] = {"group": group, "originator": originator}
    if content is not None:
        question["content"] = _json(content)
    answer = _ask(url, admin, question)
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return
    console = Console()
    for table in plan_tables(answer):
        console.print(table)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise click.ClickException(f"--content is not valid JSON: {error}") from error


def _ask(url: str, admin: str, question: dict[str, Any]) -> dict[str, Any]:
    if not url.startswith(("http://", "https://")):
        raise click.ClickException("--url must start with http:// or https://")
    headers = {"X-M2M-Origin": admin, "Content-Type": "application/json"}
    request = UrlRequest(f"{url}/.cse/plan", json.dumps(question).encode(), headers)  # noqa: S310 - checked above
    try:
        with urlopen(request, timeout=60) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
            return answer
    except HTTPError as error:
        raise click.ClickException(json.load(error).get("m2m:dbg", str(error))) from error
    except URLError as error:
        raise click.ClickException(f"no server at {url}: {error.reason}; start one with cse serve") from error


@commands.command()
def plugins() -> None:
    """List the installed plugins and what each brings."""
    manager = registry.load_plugins()
    console = Console()
    table = Table("plugin", "networks", "resource types", "settings")
    for name, plugin in sorted(manager.list_name_plugin()):
        alone = registry.load_only(plugin)
        settings = Settings()
        table.add_row(
            name,
            ", ".join(registry.networks(alone, settings)),
            ", ".join(kind.name for kind in registry.resource_types(alone).values()),
            escape(", ".join(f"[{section.section}]" for section in registry.settings_sections(alone)[1:])),
        )
    console.print(table)


@commands.command()
def settings() -> None:
    """List every setting with its default."""
    console = Console()
    for section in registry.settings_sections(registry.load_plugins()):
        table = Table("setting", "default", "meaning", title=escape(f"[{section.section}]"))
        for row in describe(section):
            table.add_row(row.name, escape(row.default), row.help)
        console.print(table)


def main() -> None:
    """The console script."""
    registry.add_commands(registry.load_plugins(), commands)
    commands()
