"""Where a CoAP request goes: points of access as clients write them, and the addresses of our offers."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote, unquote

from cse.coap.message import CoapError
from cse.network import Host, addresses

DEFAULT_PORT = 5683
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_POINT_OF_ACCESS = re.compile(rf"coap://(({_OCTET})(?:\.{_OCTET}){{3}})(?::([0-9]{{1,5}}))?/?")
# 0.x.x.x stands for no host, 224.x.x.x and above for many or none.
_HOSTS = range(1, 224)
_TARGET = re.compile(r"coap://([0-9.]+):([0-9]+)/([^?]+)(?:\?except=(.+))?")


class Endpoint(NamedTuple):
    """An IPv4 address and a UDP port."""

    ip: str
    port: int

    def __str__(self) -> str:
        return f"{self.ip}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """What `str` of an endpoint gave; ValueError for other text."""
        ip, _, port = text.partition(":")
        return cls(ip, int(port))


def endpoint(host: Host) -> Endpoint | str:
    """Where the CoAP server of a host listens, or a sentence that says why nothing can be sent there."""
    problem = "its pointOfAccess has no coap:// address"
    for address in addresses(host, "coap"):
        found = _endpoint(address)
        if isinstance(found, Endpoint):
            return found
        problem = found
    return problem


def _endpoint(address: str) -> Endpoint | str:
    match = _POINT_OF_ACCESS.fullmatch(address)
    if not match:
        return f"pointOfAccess must be coap://<IPv4 address>:<port>, not {address[:80]!r}"
    if int(match[2]) not in _HOSTS:
        return f"pointOfAccess {address!r} is not the address of one host"
    port = int(match[3] or DEFAULT_PORT)
    if not 0 < port < 0x10000:
        return f"pointOfAccess {address!r} must have a port from 1 to 65535"
    return Endpoint(match[1], port)


@dataclass(frozen=True, slots=True)
class Target:
    """The address of one transmission, written `coap://<ip>:<port>/~/<cse-id>/<name>?except=<AE-ID>+<AE-ID>`.

    `name` is the AE-ID of a single device or the fan-out segment of a multicast group; the devices in `exclusions`
    hear the request and must ignore it.
    """

    endpoint: Endpoint
    path: tuple[str, ...]
    exclusions: tuple[str, ...] = ()

    def __str__(self) -> str:
        path = "/".join(_quoted(segment) for segment in self.path)
        return f"coap://{self.endpoint}/{path}" + (f"?{exclusion_query(self.exclusions)}" if self.exclusions else "")

    @classmethod
    def parse(cls, address: str) -> "Target":
        """The target whose text this is; CoapError when it is none."""
        match = _TARGET.fullmatch(address)
        if not match:
            raise CoapError(f"{address[:80]!r} is no address of this network")
        path = tuple(unquote(segment) for segment in match[3].split("/"))
        return cls(Endpoint(match[1], int(match[2])), path, read_exclusions(match[4] or ""))


def _quoted(segment: str) -> str:
    # Most are plain, and there may be a hundred thousand of them.
    return segment if segment.isascii() and segment.isalnum() else quote(segment, safe="~")


def path_to(cse_id: str, *names: str) -> tuple[str, ...]:
    """The Uri-Path of an SP-relative address: `~`, the CSE-ID without its slash, then the names."""
    return ("~", cse_id.removeprefix("/"), *names)


def exclusion_query(identifiers: Iterable[str]) -> str:
    """The Uri-Query that names the devices which are to ignore a request."""
    return "except=" + "+".join(quote(identifier, safe="") for identifier in identifiers)


def read_exclusions(value: str) -> tuple[str, ...]:
    """The AE-IDs in the value of `except`."""
    return tuple(unquote(identifier) for identifier in value.split("+") if identifier)
