"""Which group gets which multicast address."""

from collections.abc import Container
from hashlib import blake2s
from ipaddress import IPv4Address, IPv4Network

from cse.coap.target import Endpoint
from cse.errors import InternalServerError
from cse.multicast.settings import MulticastSettings


def free_address(settings: MulticastSettings, group: str, used: Container[str]) -> Endpoint:
    """The address that belongs to the group's name, or the next one that is not used."""
    network = IPv4Network(settings.group_addresses)
    first = int.from_bytes(blake2s(group.encode(), digest_size=8).digest())
    for step in range(network.num_addresses):
        ip = str(IPv4Address(int(network.network_address) + (first + step) % network.num_addresses))
        if ip not in used:
            return Endpoint(ip, settings.group_port)
    raise InternalServerError(
        f"all {network.num_addresses} addresses of group_addresses in [{settings.section}] are in use"
    )


def room(members: int) -> int:
    """For how many members a group is set up: the next power of two, so that one that grows is seldom told anew."""
    return 1 << max(0, members - 1).bit_length()
