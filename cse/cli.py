"""The command line: serve, plan, plugins, settings, and what plugins add."""

import asyncio
import json
import logging
import os
import socket
import ssl
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cse import __version__, registry
from cse.app import Server
from cse.config import ConfigurationError, Settings, describe
from cse.plan_table import plan_tables
from cse.protection.commands import keys
from cse.security.commands import credential
from cse.storage.commands import store
from cse.store.opening import require_shared
from cse.type_table import attributes_table, find_types, types_table
from cse.web import WebServer, listen
from cse.workers import Workers

# Seconds: a commit must not wait for a busy event loop to give up the interpreter, nor the event loop for a thread that
# computes, which happens anew after each of hundreds of system calls when answers come in.
SWITCH_INTERVAL = 0.0005

STORE = "CSE_SERVER__STORE"  # in the environment it names a store, as --store does


@click.group()
@click.version_option(__version__, prog_name="cse")
def commands() -> None:
    """A oneM2M CSE whose group fan-out uses the right network."""


@commands.command()
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="settings file (TOML)")
@click.option("--host", help="address to listen on (127.0.0.1)")
@click.option("--port", type=int, help="TCP port to listen on (8080); 0 picks a free one")
@click.option("--registrar", help="URL of the CSE to register with (none)")
@click.option("--store", help="sqlite:///PATH, tinydb:///PATH, postgresql://... or memory:")
@click.option("--data", "data_folder", help="folder for the store and for what networks must remember (cse-data)")
@click.option("--set", "assignments", multiple=True, metavar="SECTION.KEY=VALUE", help="any setting; see cse settings")
@click.option("--workers", type=click.IntRange(1, 64), help="processes that serve together; needs postgresql")
@click.option("--listener", type=int, hidden=True, help="the number of an open socket, for a worker")
@click.option("--insecure", is_flag=True, help="allow an address that others can reach, without credentials")
@click.option("--log-level", default="warning", type=click.Choice(["debug", "info", "warning", "error"]))
def serve(
    assignments: tuple[str, ...],
    config: Path | None,
    workers: int | None,
    listener: int | None,
    insecure: bool,
    log_level: str,
    **options: Any,
) -> None:
    """Run the server."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        overrides = _overrides(assignments, options)
        settings = Settings.load(config, os.environ, overrides).server
        listening = listen(settings, insecure=insecure) if listener is None else socket.socket(fileno=listener)
        if workers is not None:
            require_shared(settings.store)
            sys.exit(asyncio.run(Workers(_without_workers(sys.argv[2:]), workers, listening).run()))
        overrides["server"]["port"] = listening.getsockname()[1]
        server = Server(Settings.load(config, os.environ, overrides))
        with suppress(KeyboardInterrupt):
            WebServer(server, is_worker=listener is not None).run(sockets=[listening])
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error


def _without_workers(arguments: Sequence[str]) -> list[str]:
    """The arguments for one of them."""
    kept, skip = [], False
    for argument in arguments:
        if not (skip or argument.startswith("--workers")):
            kept.append(argument)
        skip = argument == "--workers"
    return kept


def _overrides(assignments: tuple[str, ...], options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {}
    for assignment in assignments:
        name, separator, value = assignment.partition("=")
        section, _, key = name.partition(".")
        if not separator or not key:
            raise ConfigurationError(f"--set {assignment}: write SECTION.KEY=VALUE")
        values.setdefault(section, {})[key.replace("-", "_")] = value
    given = {key: value for key, value in options.items() if value is not None}
    named = "store" in given | values.get("server", {}) or STORE in os.environ
    if "data_folder" in given and not named:
        given["store"] = f"sqlite:///{given['data_folder']}/cse.sqlite"
    values.setdefault("server", {}).update(given)
    return values


@commands.command()
@click.argument("group")
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="where the server is")
@click.option("--admin", default="CAdmin", show_default=True, help="the administrator's originator")
@click.option("--originator", help="plan for a request by this originator")
@click.option("--token", envvar="CSE_TOKEN", help="bearer token; the variable CSE_TOKEN keeps it out of sight")
@click.option("--authorities", type=click.Path(exists=True), help="authorities of the server's certificate (PEM)")
@click.option("--content", help="the primitive content of the request, as JSON (a small device request)")
@click.option("--json", "as_json", is_flag=True, help="print the plan as JSON")
def plan(group: str, originator: str | None, content: str | None, as_json: bool, **server: Any) -> None:
    """Show which network would carry a device request to which members of GROUP, without sending."""
    question: dict[str, Any] = {"group": group, "originator": originator}
    if content is not None:
        question["content"] = _json(content)
    answer = _ask(question, **server)
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


def _ask(question: dict[str, Any], url: str, admin: str, token: str | None, authorities: str | None) -> dict[str, Any]:
    if not url.startswith(("http://", "https://")):
        raise click.ClickException("--url must start with http:// or https://")
    headers = {"X-M2M-Origin": admin, "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = UrlRequest(f"{url}/.cse/plan", json.dumps(question).encode(), headers)  # noqa: S310 - checked above
    try:
        context = ssl.create_default_context(cafile=authorities)
        with urlopen(request, timeout=60, context=context) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
            return answer
    except HTTPError as error:
        raise click.ClickException(json.load(error).get("m2m:dbg", str(error))) from error
    except URLError as error:
        raise click.ClickException(f"no server at {url}: {error.reason}; start one with cse serve") from error
    except OSError as error:
        raise click.ClickException(f"--authorities {authorities} can't be used: {error}") from error


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
            ", ".join(kind.name for kind in registry.resource_types(alone, settings.server).values()),
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


@commands.command()
@click.argument("wanted", metavar="[TYPE]", required=False)
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="settings file (TOML)")
def types(wanted: str | None, config: Path | None) -> None:
    """List the resource types, or the attributes of one (by name, short name or number)."""
    try:
        found = registry.resource_types(registry.load_plugins(), Settings.load(config, os.environ).server)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error
    kinds = find_types(found, wanted or "")
    if wanted is not None and not kinds:
        raise click.ClickException(f"there is no resource type {wanted}: cse types lists them all")
    for table in map(attributes_table, kinds) if wanted else [types_table(found)]:
        Console().print(table)


commands.add_command(credential)
commands.add_command(keys)
commands.add_command(store)


def main() -> None:
    """The console script."""
    registry.add_commands(registry.load_plugins(), commands)
    commands()
