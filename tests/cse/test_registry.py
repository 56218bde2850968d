from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import click
import pytest

from cse import registry
from cse.config import ConfigurationError, ServerSettings, Settings, setting
from cse.hookspecs import hookimpl
from cse.network import Network
from cse.resource import ResourceType
from plugins.loopback import Loopback


@dataclass(frozen=True)
class PigeonSettings:
    """A stranger's section."""

    section: ClassVar[str] = "pigeon"
    loft: str = setting("roof", "where they live")


class Flag(ResourceType):
    number = 10_001
    name = "flag"
    short_name = "flg"


class Stranger:
    """A plugin that uses every hook."""

    def __init__(self, network: str = "pigeon", number: int = 10_001) -> None:
        self.network = Loopback()
        self.network.name = network
        self.kind = Flag()
        self.kind.number = number

    @hookimpl
    def register_settings(self) -> Iterable[type[PigeonSettings]]:
        return [PigeonSettings]

    @hookimpl
    def register_resource_types(self) -> Iterable[ResourceType]:
        return [self.kind]

    @hookimpl
    def register_networks(self, settings: Settings) -> Iterable[Network]:
        return [self.network]

    @hookimpl
    def register_commands(self, commands: click.Group) -> None:
        commands.add_command(click.Command("coo"))


def test_what_is_installed_comes_through_entry_points() -> None:
    manager = registry.load_plugins()
    types = sorted(registry.resource_types(manager, ServerSettings()))
    assert types == [1, 2, 3, 4, 5, 9, 13, 14, 15, 16, 17, 18, 23, 28, 29, 30, 45, 48, 58]
    assert list(registry.networks(manager, Settings())) == [
        "http-unicast",
        "loopback",
        "lora-broadcast",
        "mbms",
        "udp-multicast",
    ]
    assert registry.settings_sections(manager)[0] is ServerSettings


def test_a_stranger_comes_through_the_same_door() -> None:
    stranger = Stranger()
    manager = registry.load_plugins([stranger])
    assert registry.resource_types(manager, ServerSettings())[10_001] is stranger.kind
    assert registry.networks(manager, Settings())["pigeon"] is stranger.network
    assert PigeonSettings in registry.settings_sections(manager)
    commands = click.Group()
    registry.add_commands(manager, commands)
    assert "coo" in commands.commands


def test_what_a_plugin_brings_alone() -> None:
    alone = registry.load_only(Stranger())
    assert list(registry.networks(alone, Settings())) == ["pigeon"]
    assert list(registry.resource_types(alone, ServerSettings())) == [10_001]
    assert registry.settings_sections(alone) == [ServerSettings, PigeonSettings]


def test_two_networks_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="loopback"):
        registry.networks(registry.load_plugins([Stranger(network="loopback")]), Settings())


def test_two_types_of_one_number_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="type 3"):
        registry.resource_types(registry.load_plugins([Stranger(number=3)]), ServerSettings())


def test_a_hook_that_does_not_exist_is_refused() -> None:
    class Mistaken:
        @hookimpl
        def register_network(self) -> list[Network]:
            return []

    with pytest.raises(Exception, match="register_network"):
        registry.load_plugins([Mistaken()])


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"cse_id": "id-in"}, "cse_id"),
        ({"cse_id": "/"}, "cse_id"),
        ({"cse_id": "/a/b"}, "cse_id"),
        ({"cse_name": ""}, "cse_name"),
        ({"cse_name": "a/b"}, "cse_name"),
        ({"service_provider": "a b"}, "service_provider"),
    ],
)
def test_names_that_make_no_address_are_refused(values: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError, match=key):
        registry.model(registry.load_plugins(), ServerSettings(**values))


def test_a_model_knows_its_types() -> None:
    model = registry.model(registry.load_plugins(), ServerSettings())
    assert model.watchers == [23]
    assert model.leavers == [9, 23, 48]
    assert model.fan_out_names == {"fopt"}
    assert model.virtual_names == {"la", "ol", "fopt", "pcu"}
    assert model.request_keeper.number == 17
    assert {"mni", "api", "acor"} & model.attribute_names == {"mni", "api"}
