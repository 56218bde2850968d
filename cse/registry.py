"""Finds plugins and what they register. One plugin manager per server; ours come through the strangers' door."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

import click
import pluggy

from cse import hookspecs
from cse.address import Naming, valid_name
from cse.config import ConfigurationError, ServerSettings, Settings
from cse.network import Network
from cse.resource import ResourceType
from cse.work import Model

ENTRY_POINTS = "cse"


def load_plugins(extra: Iterable[object] = ()) -> pluggy.PluginManager:
    """Every installed plugin of the entry point group `cse`, and the given modules or objects."""
    manager = pluggy.PluginManager("cse")
    manager.add_hookspecs(hookspecs)
    manager.load_setuptools_entrypoints(ENTRY_POINTS)
    for plugin in extra:
        manager.register(plugin)
    manager.check_pending()
    return manager


def load_only(plugin: object) -> pluggy.PluginManager:
    """A manager with just this plugin, to see what it brings."""
    manager = pluggy.PluginManager("cse")
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    return manager


def settings_sections(manager: pluggy.PluginManager) -> list[type[Any]]:
    """All settings sections: the server's and those of the plugins."""
    return [ServerSettings, *chain.from_iterable(manager.hook.register_settings())]


def resource_types(manager: pluggy.PluginManager, settings: ServerSettings) -> dict[int, ResourceType]:
    """All resource types by number; ConfigurationError if two claim one."""
    types: dict[int, ResourceType] = {}
    registered = chain.from_iterable(manager.hook.register_resource_types(settings=settings))
    for kind in sorted(registered, key=lambda kind: kind.number):
        if kind.number in types:
            raise ConfigurationError(f"two plugins register resource type {kind.number}: remove one of them")
        types[kind.number] = kind
    return types


def networks(manager: pluggy.PluginManager, settings: Settings) -> dict[str, Network]:
    """All networks by name; ConfigurationError if two have one name."""
    found: dict[str, Network] = {}
    for network in chain.from_iterable(manager.hook.register_networks(settings=settings)):
        if network.name in found:
            raise ConfigurationError(f"two plugins register the network {network.name}: remove one of them")
        found[network.name] = network
    return dict(sorted(found.items()))


def add_commands(manager: pluggy.PluginManager, commands: click.Group) -> None:
    """Let plugins add their commands to the command line."""
    manager.hook.register_commands(commands=commands)


def model(manager: pluggy.PluginManager, settings: ServerSettings) -> Model:
    """Names, settings and resource types of one server."""
    _check_names(settings)
    naming = Naming(settings.cse_id, settings.cse_name, settings.service_provider)
    return Model(naming, settings, resource_types(manager, settings))


def _check_names(settings: ServerSettings) -> None:
    if settings.kind == "IN" and settings.registrar:
        raise ConfigurationError("cse_type in [server] is IN, and an IN-CSE has no registrar: use MN or ASN")
    if not settings.cse_id.startswith("/"):
        raise ConfigurationError(f"cse_id in [server] must start with a slash: /{settings.cse_id}")
    names = {
        "cse_id": settings.cse_id.removeprefix("/"),
        "cse_name": settings.cse_name,
        "service_provider": settings.service_provider,
    }
    for key, name in names.items():
        if not valid_name(name):
            raise ConfigurationError(f"{key} in [server] must be letters, digits, '-', '_' and '.', not {name!r}")
