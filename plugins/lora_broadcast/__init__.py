"""LoRaWAN multicast and unicast: the network `lora-broadcast`, and simulated meters (`cse meters lora`)."""

import click

from cse.config import Section, Settings
from cse.hookspecs import hookimpl
from cse.network import Network
from cse.testing.meters import meters_group
from plugins.lora_broadcast.network import LoRaBroadcast
from plugins.lora_broadcast.radio.command import lora
from plugins.lora_broadcast.settings import LoRaSettings


@hookimpl
def register_settings() -> list[type[Section]]:
    return [LoRaSettings]


@hookimpl
def register_networks(settings: Settings) -> list[Network]:
    return [LoRaBroadcast(settings.section(LoRaSettings))]


@hookimpl
def register_commands(commands: click.Group) -> None:
    meters_group(commands).add_command(lora)
