"""`cse store`: checks a store, backs it up, and converts it into one of another engine."""

import asyncio
import json
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from cse import registry
from cse.config import ConfigurationError, Settings
from cse.storage.backup import back_up
from cse.storage.check import MOST_FINDINGS, Checked, check
from cse.storage.convert import Converted, convert
from cse.storage.places import Place
from cse.timing import SystemClock
from cse.work import Model

T = TypeVar("T")

DATA = click.option(
    "--data",
    "data_folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="folder with what networks remember (that of the store's file)",
)


@click.group()
def store() -> None:
    """Check stores, back them up, convert them; URL is what the setting `store` of [server] says."""


@store.command(name="check")
@click.argument("url")
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="settings file (TOML)")
@DATA
@click.option("--json", "as_json", is_flag=True, help="print what has been found as JSON")
def check_store(url: str, config: Path | None, data_folder: Path | None, as_json: bool) -> None:
    """Say what is damaged or does not fit together in a store; a server may work with it meanwhile.

    The exit code is 1 if something has been found.
    """
    place = _place(url, data_folder)
    checked = _run(check(place, _model(config), SystemClock().now()))
    if as_json:
        click.echo(json.dumps(checked.document(place.shown), indent=2))
    else:
        _tell(checked, place.shown)
    if checked.findings:
        raise SystemExit(1)


@store.command(name="backup")
@click.argument("url")
@click.argument("file", type=click.Path(path_type=Path))
@DATA
def backup_store(url: str, file: Path, data_folder: Path | None) -> None:
    """Copy a store into FILE, a new SQLite store, while a server works with it.

    What networks remember goes into the folder beside it, so that `cse serve --data` can serve it if FILE is named
    cse.sqlite.
    """
    place = _place(url, data_folder)
    _run(back_up(place, file))
    click.echo(f"{file} is a backup of {place.shown}: serve it with --store sqlite:///{file} --data {file.parent}")


@store.command(name="convert")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--from-data", type=click.Path(file_okay=False, path_type=Path), help="data folder of FROM")
@click.option("--to-data", type=click.Path(file_okay=False, path_type=Path), help="data folder of TO")
def convert_store(source: str, target: str, from_data: Path | None, to_data: Path | None) -> None:
    """Copy the store FROM, which no server may have open, into the new store TO, and compare both.

    Data folders have what networks remember; that of a store's file is the folder that it is in.
    """
    place, into = _place(source, from_data), _place(target, to_data)
    converted = _run(convert(place, into))
    click.echo(f"{into.shown} has all of {place.shown}")
    Console().print(_table(converted))
    names = ", ".join(converted.documents) or "nothing"
    click.echo(f"networks remember: {names}")


def _place(url: str, data_folder: Path | None) -> Place:
    try:
        return Place.of(url, data_folder)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error


def _model(config: Path | None) -> Model:
    try:
        return registry.model(registry.load_plugins(), Settings.load(config, os.environ).server)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error


def _tell(checked: Checked, name: str) -> None:
    for finding in checked.findings:
        click.echo(f"{finding.where}: {finding.problem}")
    if len(checked.findings) == MOST_FINDINGS:
        click.echo("and perhaps more")
    elif not checked.findings:
        rows = ", ".join(f"{count} {table}" for table, count in checked.rows.items())
        click.echo(f"{name} is sound: {rows or 'empty'}")


def _table(converted: Converted) -> Table:
    table = Table("table", "rows", "SHA-256 of both")
    for content in converted.tables:
        table.add_row(content.table, str(content.rows), content.digest[:16])
    return table
