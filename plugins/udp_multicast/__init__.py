"""CoAP over UDP: unicast to a device, multicast to the devices of a group (TS-0008, with Annex B)."""

from collections.abc import Iterable

import click

from cse.config import Settings
from cse.hookspecs import hookimpl
from cse.network import Network
from cse.testing.meters import meters_group
from plugins.udp_multicast.commands import udp
from plugins.udp_multicast.network import UdpMulticast
from plugins.udp_multicast.settings import UdpMulticastSettings


@hookimpl
def register_settings() -> Iterable[type]:
    return [UdpMulticastSettings]


@hookimpl
def register_networks(settings: Settings) -> Iterable[Network]:
    return [UdpMulticast(settings.section(UdpMulticastSettings))]


@hookimpl
def register_commands(commands: click.Group) -> None:
    meters_group(commands).add_command(udp)
