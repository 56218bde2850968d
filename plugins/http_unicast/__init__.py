"""Device requests over HTTP, one by one (TS-0009), and meters that are reached that way."""

import click

from cse.config import Settings
from cse.hookspecs import hookimpl
from cse.network import Network
from cse.testing.meters import meters_group
from plugins.http_unicast.meters import http_meters
from plugins.http_unicast.network import HttpUnicast
from plugins.http_unicast.settings import HttpUnicastSettings


@hookimpl
def register_settings() -> list[type]:
    return [HttpUnicastSettings]


@hookimpl
def register_networks(settings: Settings) -> list[Network]:
    return [HttpUnicast(settings.section(HttpUnicastSettings))]


@hookimpl
def register_commands(commands: click.Group) -> None:
    meters_group(commands).add_command(http_meters)
