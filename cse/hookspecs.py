"""Every hook there is. A plugin is a module that implements some of them and that the entry point group `cse` names."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from cse.config import Section, ServerSettings, Settings
    from cse.network import Network
    from cse.resource import ResourceType

hookspec = pluggy.HookspecMarker("cse")
hookimpl = pluggy.HookimplMarker("cse")


@hookspec
def register_settings() -> "Iterable[type[Section]]":  # type: ignore[empty-body]
    """Called first. Return this plugin's settings: dataclasses whose fields are made with `cse.config.setting`."""


@hookspec
def register_resource_types(settings: "ServerSettings") -> "Iterable[ResourceType]":  # type: ignore[empty-body]
    """Called when a server is composed. Return one object per resource type."""


@hookspec
def register_networks(settings: "Settings") -> "Iterable[Network]":  # type: ignore[empty-body]
    """Called when a server is composed. Return network objects; they are started with the server."""


@hookspec
def register_commands(commands: "click.Group") -> None:
    """Called by the command line before it runs. Add commands to the group, simulated devices for example."""
